from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fairing_kfp.errors import ConfigError
from fairing_kfp.serving.spec import Autoscaling, ServingSpec

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(VALUES)
def test_specs_survive_their_json_which_has_no_placeholders(sample: Any) -> None:
    spec = ServingSpec("digits", image="i", sample=sample, autoscaling=Autoscaling(2, 5), insecure=("a", "b"))

    assert ServingSpec.parse(spec.text()) == spec
    assert "{{" not in spec.text()


def test_defaults_are_omitted() -> None:
    assert json.loads(ServingSpec("digits", image="i").text()) == {"name": "digits", "image": "i"}


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"name":"a","unknown":1}', '{"name":"a","autoscaling":{"x":1}}'])
def test_malformed_specs_are_rejected(text: str) -> None:
    with pytest.raises(ConfigError, match="cannot be parsed"):
        ServingSpec.parse(text)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"name": "Digits"}, "not a valid name of a Service"),
        ({"name": "a" * 41}, "not a valid name of a Service"),
        ({"name": None}, "not a valid name of a Service"),
        ({"target": "docker"}, "use one of deployment, kserve"),
        ({"service": "ExternalName"}, "use one of ClusterIP"),
        ({"mode": "Serverless"}, "use one of Standard, Knative"),
        ({"replicas": 0}, "use 1 or more"),
        ({"replicas": True}, "use 1 or more"),
        ({"load_within": 1.5}, "use 1 or more"),
        ({"workers": 0}, "use 1 or more"),
        ({"max_batch": 1.5}, "use 1 or more"),
        ({"max_batch": 8, "max_wait": -1}, "not a time in seconds"),
        ({"max_batch": 8, "max_wait": "1"}, "not a time in seconds"),
        ({"workers": 2, "max_wait": 0.1}, "needs max_batch="),
        ({"target": "kserve", "model_format": "onnx", "workers": 2}, "supported only for predictors"),
        ({"host": "https://a"}, "not a host name"),
        ({"host": "a.example.com", "gateway": "public"}, "not a Gateway"),
        ({"host": "a.example.com", "gateway": "Infra/public"}, "not a Gateway"),
        ({"host": "a.example.com", "gateway": 1}, "not a Gateway"),
        ({"gateway": "infra/public"}, "needs host="),
        ({"host": "a.example.com", "gateway": "infra/public", "ingress_class": "nginx"}, "contradicts ingress_class="),
        ({"target": "kserve", "host": "a.example.com", "gateway": "infra/public"}, "not supported with target="),
        ({"model_format": "sklearn"}, "only by KServe"),
        ({"target": "kserve", "host": "a.example.com"}, "not supported with target="),
        ({"target": "kserve", "service": "NodePort"}, "not supported with target="),
        ({"canary": 10}, 'set target="kserve"'),
        ({"target": "kserve", "canary": 10}, "use serve_model"),
        ({"target": "kserve", "mode": "Knative", "canary": 101}, "from 0 to 100"),
        ({"target": "kserve", "model_format": "onnx", "canary": 0}, "from 1 to 99"),
        ({"target": "kserve", "model_format": "onnx", "canary": 100}, "from 1 to 99"),
        ({"target": "kserve", "model_format": "onnx", "canary": True}, "from 1 to 99"),
        ({"autoscaling": Autoscaling(0, 2)}, "Knative"),
    ],
)
def test_invalid_options_are_rejected(given: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        ServingSpec(**{"name": "digits", "image": "i", **given})
    assert message in str(caught.value)


@pytest.mark.parametrize("given", [(-1, 1, 80), (3, 2, 80), (0, 0, 80), (1, 2, 0), (1.0, 2, 80)])
def test_invalid_autoscaling_is_rejected(given: tuple[Any, Any, Any]) -> None:
    with pytest.raises(ConfigError, match="is out of range"):
        Autoscaling(*given)


def test_a_knative_canary_may_scale_to_zero() -> None:
    spec = ServingSpec("digits", target="kserve", mode="Knative", canary=10, autoscaling=Autoscaling(0, 2))

    assert (spec.least, spec.canary) == (0, 10)
