"""Where calls run: Kubeflow Pipelines if a host is set, else the current cluster, else nowhere."""

from __future__ import annotations

import base64
import pickle
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, ClassVar

import pytest

import fairing_kfp.classic as fairing
from fairing_kfp.classic import PredictionEndpoint, TrainJob
from fairing_kfp.classic.builders.append.append import AppendBuilder
from fairing_kfp.classic.in_step.calls import RESULT
from fairing_kfp.classic.work import direct
from fairing_kfp.classic.work.direct import DirectPlace, executor_input_of
from fairing_kfp.classic.work.kfp import KfpPlace
from fairing_kfp.classic.work.place import choose
from fairing_kfp.classic.work.publish import publish
from fairing_kfp.classic.work.task import TrainTask
from fairing_kfp.errors import ConfigError, MissingObjectError, RunFailedError
from fairing_kfp.pipeline.builtin_steps import serving_spec_of
from fairing_kfp.remote import run as runs
from fairing_kfp.serving.spec import ServingSpec
from tests.support import stand_in_builder
from tests.support.kfp_stand_in import KfpStandIn, serve_kfp
from tests.support.workflow_nodes import pod_name, step


@pytest.fixture
def kfp(monkeypatch: pytest.MonkeyPatch) -> Iterator[KfpStandIn]:
    """The configured Kubeflow Pipelines; images are not sent."""
    monkeypatch.setattr(runs, "_PAUSES", (0.0, 0.0))
    stand_in_builder.register(monkeypatch)
    monkeypatch.setattr(AppendBuilder, "name", "stand-in")
    with serve_kfp() as stand_in:
        monkeypatch.setenv("FAIRING_KFP_HOST", stand_in.url)
        yield stand_in


def doubled(value: int) -> int:
    return value * 2


class Model:
    def predict(self, X: Any) -> Any:
        return X


def logged(value: Any) -> str:
    return f"training\n{RESULT}{base64.b64encode(pickle.dumps(value)).decode()}\n"


def test_a_host_goes_before_the_current_cluster(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    config = tmp_path / "config"
    config.write_text("")
    monkeypatch.setenv("KUBECONFIG", str(config))
    assert isinstance(choose(), DirectPlace)
    monkeypatch.setenv("FAIRING_KFP_HOST", "https://kfp.example.com")
    assert isinstance(choose("team"), KfpPlace)
    assert isinstance(choose(context="here"), DirectPlace)
    monkeypatch.delenv("FAIRING_KFP_HOST")
    monkeypatch.setenv("KF_PIPELINES_ENDPOINT", "kfp.example.com")
    assert isinstance(choose(), KfpPlace)


def test_without_host_and_cluster_the_error_offers_this_machine() -> None:
    with pytest.raises(ConfigError, match="neither a host of Kubeflow Pipelines nor a Kubernetes cluster") as error:
        TrainJob(doubled).submit()

    for offered in ("FAIRING_KFP_HOST", "KUBECONFIG", "LocalBackend()", 'set_deployer("local")'):
        assert offered in error.value.remedy


def test_a_function_runs_as_a_pipeline_of_one_step_and_its_result_comes_by_the_log(
    kfp: KfpStandIn, capsys: pytest.CaptureFixture[str]
) -> None:
    kfp.progress = [("RUNNING", step("doubled", "RUNNING", 1)), ("SUCCEEDED", step("doubled", "SUCCEEDED", 1, 2))]
    kfp.logs[pod_name("doubled")] = logged({"value": 6})

    assert fairing.config.fn(doubled)(3) == {"value": 6}

    (run,) = kfp.runs.values()
    (task,) = run.pipeline_spec["root"]["dag"]["tasks"].values()
    assert (task["taskInfo"]["name"], task["cachingOptions"]) == ("doubled", {})
    assert capsys.readouterr().out.endswith("training\n")


def test_a_result_that_cannot_be_read_is_a_warning(kfp: KfpStandIn) -> None:
    kfp.progress = [("SUCCEEDED", step("doubled", "SUCCEEDED", 1, 2))]
    fairing.config.set_deployer("job", stream_log=False, job_name="tonight")

    def run() -> Any:
        job = fairing.config.fn(doubled)(3)
        assert job.wait(30) is None
        return job

    with pytest.warns(RuntimeWarning, match="the result of tonight cannot be read"):
        job = run()
    assert (str(job), job.url.startswith(kfp.url)) == ("tonight", True)


def test_a_failed_run_is_an_error(kfp: KfpStandIn) -> None:
    kfp.progress = [("FAILED", step("doubled", "FAILED", 1, 2))]
    kfp.logs[pod_name("doubled")] = "ValueError: no data"

    with pytest.raises(RunFailedError, match="no data"):
        fairing.config.fn(doubled)(3)


def test_a_class_is_served_by_a_pipeline(kfp: KfpStandIn, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FAIRING_KFP_OWN_IMAGE", f"registry.example.com/own@sha256:{'2' * 64}")
    kfp.progress, kfp.multi_user = [("SUCCEEDED", [])], True

    created = PredictionEndpoint(Model, backend=fairing.backends.KubernetesBackend("team")).create()

    (run,) = kfp.runs.values()
    containers = [one["container"] for one in run.pipeline_spec["deploymentSpec"]["executors"].values()]
    (spec,) = [spec for spec in map(serving_spec_of, containers) if spec]
    assert (spec.name, spec.image.startswith("registry.example.com/me/project@sha256:")) == ("model", True)
    assert str(created) == "http://model.team.svc"
    (experiment,) = kfp.experiments.values()
    assert experiment.namespace == "team"


def test_an_installation_for_one_user_has_no_namespace_of_jobs(
    kfp: KfpStandIn, caplog: pytest.LogCaptureFixture
) -> None:
    fairing.config.set_preprocessor("python", input_files=["train.py"])
    kfp.progress = [("SUCCEEDED", [])]
    fairing.config.set_deployer("job", namespace="team")

    fairing.config.run()

    (experiment,) = kfp.experiments.values()
    assert experiment.namespace is None
    assert "serves one user: the namespace team is not used" in caplog.text


def test_the_executor_input_names_the_outputs_of_the_step(
    kfp: KfpStandIn, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    from fairing_kfp.classic.preprocessors.full_notebook import FullNotebookPreProcessor

    component = FullNotebookPreProcessor("train.ipynb").component({})
    monkeypatch.setattr("fairing_kfp.classic.work.publish._publish", lambda traced, settings: {})

    given, folder = executor_input_of(publish(component, {"builder": "stand-in"}))

    assert folder.parent == Path("/tmp")
    outputs = given["outputs"]
    assert outputs["outputFile"] == f"{folder}/outputs.json"
    assert outputs["parameters"] == {"status": {"outputFile": f"{folder}/status.txt"}}
    assert sorted(outputs["artifacts"]) == ["notebook", "report"]
    assert outputs["artifacts"]["notebook"]["artifacts"][0]["uri"] == f"{folder}/notebook"


def test_a_model_is_reached_by_its_service_from_a_pod_and_through_a_pod_from_elsewhere(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    spec = ServingSpec("digits")
    ready = {
        "metadata": {"name": "digits-1"},
        "status": {"conditions": [{"type": "Ready", "status": "True"}]},
    }

    class Cluster:
        namespace = "team"
        pods: ClassVar[list[Any]] = [ready]

        def request(self, method: str, path: str, **query: Any) -> Any:
            if path.endswith("/pods"):
                return {"items": self.pods}
            return {"metadata": {"name": "digits", "namespace": "team"}}

    class Forwarder:
        def __init__(self, cluster: Any) -> None: ...

        def __enter__(self) -> Any:
            return self

        def __exit__(self, *_: object) -> None: ...

        def port(self, namespace: str, pod: str, port: int) -> int:
            assert (namespace, pod, port) == ("team", "digits-1", 8080)
            return 4000

    monkeypatch.setattr(direct, "Forwarder", Forwarder)
    cluster: Any = Cluster()
    with direct.client_of(cluster, spec) as endpoint:
        assert endpoint.url == "http://127.0.0.1:4000"
    monkeypatch.setattr(direct, "in_pod", lambda: True)
    with direct.client_of(cluster, spec) as endpoint:
        assert endpoint.url == "http://digits.team.svc"
    monkeypatch.setattr(direct, "in_pod", lambda: False)
    monkeypatch.setattr(direct, "_READY_SECONDS", -1.0)
    monkeypatch.setattr(Cluster, "pods", [])
    with pytest.raises(MissingObjectError, match="no pod serves digits"), direct.client_of(cluster, spec):
        pass


def test_vertex_ai_needs_kubeflow_pipelines_and_nothing_is_sent() -> None:
    task = TrainTask(component=SimpleNamespace(name="train"), kind="vertex")

    with pytest.raises(ConfigError, match="train runs on Vertex AI only as a step of a pipeline"):
        DirectPlace().train(task)
