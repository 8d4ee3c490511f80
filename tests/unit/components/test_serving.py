"""Components that serve: their inputs as a serving spec, and the result as outputs; their other side is Kubernetes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from fairing_kfp.components import serving
from fairing_kfp.components.step import run_step
from fairing_kfp.components.table import COMPONENTS
from fairing_kfp.errors import ConfigError
from fairing_kfp.serving.result import ServeResult
from fairing_kfp.serving.sample import Exchange
from fairing_kfp.serving.spec import Autoscaling, ServingSpec

IMAGE = "registry.example.com/team/server@sha256:" + "a" * 64


class Served:
    """Stands for the serve step.

    Attributes:
        specs: the specs that it was given, with the URI of the model.
        namespaces: the namespaces that it was to serve in.
    """

    def __init__(self) -> None:
        self.specs: list[tuple[ServingSpec, str]] = []
        self.namespaces: list[str | None] = []

    def connect(self, namespace: str | None) -> Any:
        self.namespaces.append(namespace)
        return self

    def serve(self, spec: ServingSpec, executor_input: Mapping[str, Any], cluster: Any, *, log: Any) -> ServeResult:
        assert cluster is self
        artifacts = executor_input["inputs"]["artifacts"]
        self.specs.append((spec, artifacts["model"]["artifacts"][0]["uri"] if artifacts else ""))
        return ServeResult(
            spec=spec,
            namespace="models",
            endpoint="http://digits.models.svc",
            image=spec.image,
            new_endpoint="http://digits-canary-predictor.models.svc",
            share=spec.canary or 100,
            external_urls=("http://digits.example.com", "http://NODE:30000"),
            previous="registry.example.com/team/server@sha256:" + "b" * 64,
            model=spec.storage,
            exchange=Exchange("http://digits/v1", "{}", "{}", 0.25),
            seconds=[("image", 1.0), ("rollout", 2.5)],
        )


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> Served:
    stand_in = Served()
    monkeypatch.setattr(serving, "connect", stand_in.connect)
    monkeypatch.setattr(serving, "serve", stand_in.serve)
    return stand_in


def run(component: str, root: Path, model: Path | None = None, **values: Any) -> dict[str, Any]:
    """Runs a step, and returns its executor output."""
    artifacts = {"model": {"artifacts": [{"uri": str(model)}]}} if model else {}
    outputs = {name: {"artifacts": [{"uri": str(root / name)}]} for name in ("metrics", "report")}
    given = {
        "inputs": {"parameterValues": {"name": "digits", **values}, "artifacts": artifacts},
        "outputs": {"artifacts": outputs, "parameters": {}, "outputFile": str(root / "output.json")},
    }
    run_step(COMPONENTS[component], given, lambda line: None)
    return dict(json.loads((root / "output.json").read_text()))


def test_inputs_become_the_spec_and_the_result_the_outputs(served: Served, tmp_path: Path) -> None:
    output = run(
        "serve-deployment",
        tmp_path,
        tmp_path,
        image=IMAGE,
        namespace="models",
        replicas=2.0,
        max_replicas=5,
        cpu="500m",
        memory="2Gi",
        gpu=1,
        env={"A": "1"},
        labels={"team": "a"},
        service_account="models",
        host="digits.example.com",
        gateway="infra/public",
        sample_request={"inputs": []},
        registry_secret="login",
        insecure=["registry.example.com"],
    )

    ((spec, model),) = served.specs
    assert (spec.target, spec.image, model, served.namespaces) == ("deployment", IMAGE, str(tmp_path), ["models"])
    assert spec.autoscaling == Autoscaling(2, 5)
    assert (spec.host, spec.gateway, spec.labels) == ("digits.example.com", "infra/public", {"team": "a"})
    assert (spec.registry_secret, spec.insecure, spec.sample) == ("login", ("registry.example.com",), {"inputs": []})
    (container,) = spec.pod["containers"]
    assert spec.pod["serviceAccountName"] == "models"
    assert container["env"] == [{"name": "A", "value": "1"}]
    assert container["resources"]["requests"] == {"cpu": "500m", "memory": "2Gi", "nvidia.com/gpu": "1"}
    values = output["parameterValues"]
    assert (values["url"], values["served_image"]) == ("http://digits.example.com", IMAGE)
    assert values["previous"].endswith("b" * 64)
    metrics = output["artifacts"]["metrics"]["artifacts"][0]["metadata"]
    assert metrics == {"image_seconds": 1.0, "rollout_seconds": 2.5, "sample_seconds": 0.25, "share": 100}
    report = (tmp_path / "report").read_text()
    assert "<h1>digits is served</h1>" in report
    assert "fairing-kfp rollback digits" in report


def test_defaults_are_those_of_the_spec(served: Served, tmp_path: Path) -> None:
    run("serve-deployment", tmp_path, image=IMAGE)
    run("serve-kserve", tmp_path, image=IMAGE)

    assert served.specs == [
        (ServingSpec("digits", image=IMAGE), ""),
        (ServingSpec("digits", image=IMAGE, target="kserve"), ""),
    ]
    assert served.namespaces == [None, None]


def test_a_canary_says_its_share_first(served: Served, tmp_path: Path) -> None:
    output = run("serve-kserve-model", tmp_path, model_format="onnx", storage="minio://models/1", canary=10)

    ((spec, _),) = served.specs
    assert (spec.model_format, spec.storage, spec.canary) == ("onnx", "s3://models/1", 10)
    assert output["parameterValues"]["served_uri"] == "s3://models/1"
    assert output["parameterValues"]["new_endpoint"] == "http://digits-canary-predictor.models.svc"
    assert "<h1>digits is served as a canary, with 10 % of the requests</h1>" in (tmp_path / "report").read_text()


@pytest.mark.parametrize(
    ("component", "values", "message"),
    [
        ("serve-deployment", {"name": "Digits", "image": IMAGE}, "not a valid name of a Service"),
        ("serve-deployment", {"image": IMAGE, "namespace": "a/b"}, "the input namespace is 'a/b'"),
        ("serve-deployment", {"image": IMAGE, "replicas": 0}, "replicas=0 is not a positive whole number"),
        ("serve-deployment", {"image": IMAGE, "replicas": 3, "max_replicas": 2}, "out of range"),
        ("serve-deployment", {"image": IMAGE, "memory": "lots"}, "lots"),
        ("serve-deployment", {"image": IMAGE, "env": {"A": 1}}, "the input env sets A to 1, which is not text"),
        ("serve-deployment", {"image": IMAGE, "gateway": "infra/public"}, "needs host="),
        ("serve-deployment", {"image": IMAGE, "sample": [1], "sample_request": {"a": 1}}, "are both set"),
        ("serve-deployment", {"image": IMAGE, "ca": "/etc/ca.pem"}, "the input ca contains no certificate"),
        ("serve-kserve", {"image": IMAGE, "canary": 10}, "not supported for a predictor in mode="),
        ("serve-kserve", {"image": IMAGE, "mode": "Serverless"}, "mode='Serverless' is not supported"),
        ("serve-kserve-model", {"model_format": "onnx"}, "needs exactly one model"),
        ("serve-kserve-model", {"model_format": "onnx", "storage": "ftp://models/1"}, "KServe cannot load a model"),
        ("serve-kserve-model", {"model_format": "onnx", "storage": "s3://m", "canary": 100}, "from 1 to 99"),
        ("promote-canary", {"sample": [1], "sample_request": {"a": 1}}, "are both set"),
        ("undeploy", {"namespace": "Models"}, "the input namespace is 'Models'"),
    ],
)
def test_wrong_inputs_are_refused_before_anything_is_done(
    served: Served, component: str, values: dict[str, Any], message: str, tmp_path: Path
) -> None:
    with pytest.raises(ConfigError, match=message):
        run(component, tmp_path, **values)

    assert served.specs == []
