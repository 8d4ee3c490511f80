"""samples/digits in a cluster: the model is served by a Deployment and by KServe, and used by the last step."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from kfp import dsl

import fairing_kfp
from fairing_kfp.cache.store import Cache
from fairing_kfp.errors import DependencyError
from fairing_kfp.pipeline.roles import manifest
from tests.golden import PIPELINES
from tests.support.one_at_a_time import one_at_a_time
from tests.support.services import missing
from tests.support.step_pods import FILES, Ended, run_step
from tests.support.yaml_documents import documents

pytestmark = [pytest.mark.registry, pytest.mark.kubernetes]
_OUTPUT = "/tmp/output.json"


@dataclass(frozen=True)
class Trained:
    """The sample after training.

    Attributes:
        sample: the functions and classes of the sample.
        model: the file of the model.
        scans: the file of those that it has not seen.
        lock: the lock file of its packages.
    """

    sample: dict[str, Any]
    model: str
    scans: str
    lock: str


@pytest.fixture(scope="module")
def trained(shared_cache: Cache, tmp_path_factory: pytest.TempPathFactory) -> Trained:
    """Trains locally, with the first two steps of the sample."""
    folder = tmp_path_factory.mktemp("digits")
    lock = str(folder / "fairing.lock")
    sample = fairing_kfp.load_pipeline(PIPELINES["digits"]).pipeline_func.__globals__

    @dsl.pipeline
    def training():
        scans = sample["load"](share=0.25)
        sample["train"](scans=scans.outputs["train"], depth=10, trees=10)

    try:
        with one_at_a_time(shared_cache, "scikit-learn"):
            here = fairing_kfp.run(training, output=folder, cache=shared_cache, lock=lock)
    except DependencyError as error:
        missing(f"packages cannot be resolved: {error}")
    return Trained(sample, here.step("train").artifacts["model"], here.step("load").artifacts["test"], lock)


@pytest.fixture(scope="module")
def place(trained: Trained, namespace: str, kubectl: Callable[..., str]) -> str:
    """A namespace in which steps may serve, with the artifacts of earlier steps."""
    kubectl("-n", namespace, "create", "serviceaccount", "pipeline-runner")
    artifacts = (f"--from-file=model={trained.model}", f"--from-file=scans={trained.scans}")
    kubectl("-n", namespace, "create", "configmap", FILES, *artifacts)
    return namespace


@pytest.mark.parametrize("target", ["deployment", pytest.param("kserve", marks=pytest.mark.exhaustive)])
def test_a_trained_model_is_served_and_used_by_the_next_step(
    target: str,
    trained: Trained,
    place: str,
    kubectl: Callable[..., str],
    publishing: dict[str, Any],
    shared_cache: Cache,
) -> None:
    if target == "kserve" and "inferenceservices.serving.kserve.io" not in kubectl("get", "crd", "-o", "name"):
        missing("the cluster has no KServe")
    kubectl("apply", "-f", "-", input=manifest(target, place))
    with one_at_a_time(shared_cache, "scikit-learn"):
        compiled = fairing_kfp.compile(
            _serving(trained.sample, target),
            project="serving",
            cache=shared_cache,
            lock=trained.lock,
            **publishing,
        )
    executors = documents(compiled.text)[0]["deploymentSpec"]["executors"]

    def run(task: str, executor_input: dict[str, Any] | None = None, **more: Any) -> Ended:
        container = executors[f"exec-{task}"]["container"]
        ended = run_step(kubectl, place, container, executor_input, **more)
        assert ended.code == 0, ended.log
        return ended

    run("check-serve-digits")
    outputs = {
        "parameters": {name: {"outputFile": f"/tmp/{name}"} for name in ("endpoint", "image")},
        "artifacts": {"report": {"artifacts": [{"uri": "minio://report"}]}},
    }
    inputs = {"artifacts": {"model": {"artifacts": [_artifact("model", "Model")]}}}
    served = run("serve-digits", _executor_input(inputs, outputs), files=["model"], gives="/tmp/endpoint")
    assert "response to the sample request" in served.log
    assert served.gave.startswith(f"http://digits{'-predictor' * (target == 'kserve')}.{place}.svc")

    inputs = {
        "parameterValues": {"endpoint": served.gave},
        "artifacts": {"scans": {"artifacts": [_artifact("scans", "Dataset")]}},
    }
    asked = run("predict", _executor_input(inputs, {}), files=["scans"], gives=_OUTPUT)
    assert 0.8 < json.loads(asked.gave)["parameterValues"]["Output"] <= 1, asked.log


def _serving(sample: dict[str, Any], target: str) -> Any:
    """The sample without its report, whose packages need not be packed for it."""

    @dsl.pipeline(name="digits")
    def pipeline():
        scans = sample["load"](share=0.25)
        trained = sample["train"](scans=scans.outputs["train"], depth=10, trees=10)
        served = fairing_kfp.serve(
            sample["Digits"], name="digits", model=trained.outputs["model"], target=target, sample=[[0] * 64]
        )
        sample["predict"](scans=scans.outputs["test"], endpoint=served.outputs["endpoint"])

    return pipeline


def _executor_input(inputs: dict[str, Any], outputs: dict[str, Any]) -> dict[str, Any]:
    return {"inputs": inputs, "outputs": {"outputFile": _OUTPUT, **outputs}}


def _artifact(name: str, kind: str) -> dict[str, Any]:
    return {"name": name, "type": {"schemaTitle": f"system.{kind}"}, "uri": f"minio://{name}", "metadata": {}}
