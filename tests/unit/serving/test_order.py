from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fairing_kfp.errors import ConfigError
from fairing_kfp.serving.order import Autoscaling, Order

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)


@given(VALUES)
def test_it_comes_back_and_holds_nothing_that_kfp_would_fill_in(sample: Any) -> None:
    order = Order("digits", image="i", sample=sample, autoscaling=Autoscaling(2, 5), insecure=("a", "b"))

    assert Order.parse(order.text()) == order
    assert "{{" not in order.text()


def test_text_tells_only_what_is_not_usual() -> None:
    assert json.loads(Order("digits", image="i").text()) == {"name": "digits", "image": "i"}


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"name":"a","unknown":1}', '{"name":"a","autoscaling":{"x":1}}'])
def test_what_is_no_order(text: str) -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        Order.parse(text)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"name": "Digits"}, "no name of a Service"),
        ({"name": "a" * 41}, "no name of a Service"),
        ({"name": None}, "no name of a Service"),
        ({"target": "docker"}, "use one of deployment, kserve"),
        ({"service": "ExternalName"}, "use one of ClusterIP"),
        ({"mode": "Serverless"}, "use one of Standard, Knative"),
        ({"replicas": 0}, "from 1 on"),
        ({"replicas": True}, "from 1 on"),
        ({"load_within": 1.5}, "from 1 on"),
        ({"host": "https://a"}, "host name"),
        ({"model_format": "sklearn"}, "only KServe"),
        ({"target": "kserve", "host": "a.example.com"}, "KServe makes"),
        ({"target": "kserve", "service": "NodePort"}, "KServe makes"),
        ({"canary": 10}, "Knative"),
        ({"target": "kserve", "canary": 10}, "Knative"),
        ({"target": "kserve", "mode": "Knative", "canary": 101}, "Knative"),
        ({"autoscaling": Autoscaling(0, 2)}, "Knative"),
    ],
)
def test_what_no_cluster_could_serve_is_refused(given: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        Order(**{"name": "digits", "image": "i", **given})
    assert message in str(caught.value)


@pytest.mark.parametrize("given", [(-1, 1, 80), (3, 2, 80), (0, 0, 80), (1, 2, 0), (1.0, 2, 80)])
def test_what_nobody_could_scale_is_refused(given: tuple[Any, Any, Any]) -> None:
    with pytest.raises(ConfigError, match="autoscaling between"):
        Autoscaling(*given)


def test_a_knative_canary_is_an_order() -> None:
    order = Order("digits", target="kserve", mode="Knative", canary=10, autoscaling=Autoscaling(0, 2))

    assert (order.least, order.shown) == (0, "InferenceService digits")
