"""Outputs and artifacts of runs on Kubeflow Pipelines."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import pytest

import fairing_kfp
from fairing_kfp.errors import ConfigError, KfpError
from fairing_kfp.remote.metadata import Execution, executions_of
from fairing_kfp.remote.outputs import executions_by_step
from fairing_kfp.remote.step import Step
from tests.support.kfp_pages import Raw
from tests.support.kfp_stand_in import KfpStandIn
from tests.support.ml_metadata import CACHED, StoredArtifact, StoredExecution
from tests.support.remote_pipelines import digits, mixed
from tests.support.stand_in_builder import StandInBuilder
from tests.support.workflow_nodes import START, step

LOOP = "root.for-loop-1.iteration-iterations({0}:{0}).iteration-item"
STORE = '{"Provider":"minio","Params":{"endpoint":"store.kubeflow:9000","disableSSL":"true","region":"minio"}}'


def submit(kfp: KfpStandIn, *executions: StoredExecution, nodes: list[Any], pipeline: Any = mixed) -> fairing_kfp.Run:
    kfp.progress = [("SUCCEEDED", nodes)]
    run = fairing_kfp.submit(pipeline, host=kfp.url, name="tonight", builder=StandInBuilder())
    kfp.metadata.runs[run.id] = [StoredExecution(""), *executions]
    return run


@pytest.fixture
def run(kfp: KfpStandIn) -> fairing_kfp.Run:
    """A run whose step has a file, a folder and metrics."""
    model = StoredArtifact("minio://mlpipeline/v2/x y/model", "system.Model", {"l": {"list": [1, 2.5]}}, STORE)
    folder = StoredArtifact("minio://mlpipeline/v2/folder")
    kfp.objects |= {
        "mlpipeline/v2/x y/model": b"\x1f\x8bweights",
        "mlpipeline/v2/folder/a/b.txt": b"b",
        "mlpipeline/v2/folder/c": b"",
        "mlpipeline/v2/folder2": b"of another artifact",
    }
    return submit(
        kfp,
        StoredExecution("prepare", outputs={}, artifacts={"model": model, "folder": folder}),
        StoredExecution(
            "train",
            outputs={"Output": 1.0},
            inputs={"m": model},
            artifacts={"scores": StoredArtifact("s3://b/scores", "system.Metrics", {"accuracy": 0.5, "epochs": 3.0})},
        ),
        nodes=[*step("prepare", "SUCCEEDED", 5, 8), *step("train", "SUCCEEDED", 10, 40)],
        pipeline=digits,
    )


def test_outputs_are_typed_and_those_of_loops_and_cached_steps_have_their_steps_names(kfp: KfpStandIn) -> None:
    nodes = [
        *step("train", "CACHED", 5),
        *step("several", "SUCCEEDED", 10, 20),
        *step("several-2", "CACHED", 32, parent=LOOP.format(0)),
        *step("several-2", "SUCCEEDED", 31, 40, parent=LOOP.format(1)),
    ]
    settings = {"a": [1, 2.5, None, True, {"b": "c"}], "": {}}
    run = submit(
        kfp,
        StoredExecution("train", outputs={"Output": 2.0}, state=CACHED),
        StoredExecution("several", outputs={"Output": 2.0, "settings": settings, "empty": [], "text": "2.0"}),
        StoredExecution("for-loop-1"),
        StoredExecution("for-loop-1", parent=4, iteration=1),
        StoredExecution("for-loop-1", parent=4, iteration=0),
        StoredExecution("several-2", parent=6, outputs={"Output": 10.0}, state=CACHED),
        StoredExecution("several-2", parent=5, outputs={"Output": 11.0}),
        nodes=nodes,
    )

    outputs = run.outputs
    assert outputs == {
        "train": {"Output": 2.0},
        "several": {"Output": 2, "settings": settings, "empty": [], "text": "2.0"},
        "several-2": {"Output": 11},
        "several-2-2": {"Output": 10},
    }
    assert type(outputs["train"]["Output"]) is float
    assert type(outputs["several"]["Output"]) is int
    assert type(outputs["several"]["settings"]["a"][0]) is int
    assert outputs["several"]["settings"]["a"][3] is True


def test_the_task_of_an_exit_handler_has_its_outputs() -> None:
    steps = (
        Step("last", "pending", task="last"),
        Step("last-2", "succeeded", started=START, nodes=("w-1",), task="last"),
    )
    execution = Execution(3, "last", "root.last", {"Output": 1}, {})

    assert executions_by_step(steps, [execution]) == {"last-2": execution}


def test_a_run_that_has_not_started_has_no_outputs(kfp: KfpStandIn) -> None:
    run = submit(kfp, nodes=[])
    assert (run.outputs, run.artifacts) == ({}, ())
    kfp.metadata.runs.clear()

    assert executions_of(run._kfp, run.id) == ()


def test_artifacts_have_types_and_metadata(run: fairing_kfp.Run) -> None:
    assert [(one.step, one.name, one.type) for one in run.artifacts] == [
        ("prepare", "folder", "system.Artifact"),
        ("prepare", "model", "system.Model"),
        ("train", "scores", "system.Metrics"),
    ]
    assert run.artifact("prepare", "model").metadata == {"l": [1, 2.5]}
    assert run.artifact("train", "scores").metadata == {"accuracy": 0.5, "epochs": 3}
    with pytest.raises(KfpError, match=r"the step train of the run tonight has no artifact 'model'") as raised:
        run.artifact("train", "model")
    assert raised.value.remedy == "its artifacts: scores"
    with pytest.raises(KfpError, match="the run tonight has no step 'tain'"):
        run.artifact("tain", "scores")


def test_files_are_downloaded_unchanged(
    kfp: KfpStandIn, run: fairing_kfp.Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    model = run.artifact("prepare", "model")
    (tmp_path / "folder").mkdir()

    assert model.download() == Path("model")
    assert model.download(tmp_path / "new" / "file") == tmp_path / "new" / "file"
    assert model.download("folder") == Path("folder/model")
    model.download("folder/model")
    assert (tmp_path / "folder" / "model").read_bytes() == b"\x1f\x8bweights"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["folder", "model", "new"]
    assert kfp.queries[0] == {"source": "minio", "providerInfo": STORE}


def test_folders_are_downloaded_with_their_files(run: fairing_kfp.Run, tmp_path: Path) -> None:
    target = tmp_path / "out"
    folder = run.artifact("prepare", "folder")
    folder.download(target)

    assert {str(path.relative_to(target)): path.read_bytes() for path in target.rglob("*") if path.is_file()} == {
        "a/b.txt": b"b",
        "c": b"",
    }
    with pytest.raises(ConfigError, match=f"is a folder, and {target} contains files"):
        folder.download(target)
    with pytest.raises(ConfigError, match="cannot write"):
        folder.download(target / "c" / "below")


def test_a_damaged_folder_is_reported(
    kfp: KfpStandIn, run: fairing_kfp.Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def damaged(stand_in: KfpStandIn, request: Any) -> Raw:
        del request
        whole = kfp_artifact(stand_in.objects, "mlpipeline/v2/folder", whole=True)
        assert whole is not None
        return Raw(whole.body[:-20], whole.headers)

    from tests.support import kfp_stand_in as module
    from tests.support.kfp_pages import artifact as kfp_artifact

    routes = [(method, path, damaged if "artifacts" in path else act) for method, path, act in module.ROUTES]
    monkeypatch.setattr(module, "ROUTES", routes)
    with pytest.raises(KfpError, match=r"the download from .* broke off"):
        run.artifact("prepare", "folder").download(tmp_path / "out")
    assert not list(tmp_path.iterdir())


def test_a_namespace_is_sent(kfp: KfpStandIn, run: fairing_kfp.Run, tmp_path: Path) -> None:
    again = fairing_kfp.Run.get(run.id, host=kfp.url, namespace="ann")
    again.artifact("prepare", "model").download(tmp_path)

    assert kfp.queries[-1]["namespace"] == "ann"


def test_the_credentials_are_sent(
    kfp: KfpStandIn, run: fairing_kfp.Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kfp.token, kfp.cookie = "made-up", "session=made-up"
    monkeypatch.setenv("FAIRING_KFP_TOKEN", "made-up")
    monkeypatch.setenv("FAIRING_KFP_COOKIES", "session=made-up")
    model = fairing_kfp.Run.get(run.id, host=kfp.url).artifact("prepare", "model")

    assert model.download(tmp_path).read_bytes() == b"\x1f\x8bweights"
    kfp.token = "new"
    with pytest.raises(KfpError, match="rejects the credentials") as raised:
        model.download(tmp_path / "again")
    assert "made-up" not in str(raised.value)


def test_pages_below_a_path_have_ml_metadata_at_the_root_of_the_host(
    kfp: KfpStandIn, run: fairing_kfp.Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KF_PIPELINES_UI_ENDPOINT", f"{kfp.url}/pipeline")

    assert fairing_kfp.Run.get(run.id, host=kfp.url).outputs == {"train": {"Output": 1.0}}


def test_a_host_without_pages_is_reported(kfp: KfpStandIn, run: fairing_kfp.Run) -> None:
    kfp.pages = False
    with pytest.raises(KfpError, match=f"which {kfp.url} does not serve") as raised:
        _ = run.outputs
    assert "KF_PIPELINES_UI_ENDPOINT" in raised.value.remedy


@pytest.mark.parametrize(
    "body",
    [b"<!doctype html><html></html>", b"", b"AAAA", base64.b64encode(b"\0\0\0\0\x09short")],
    ids=lambda b: len(b),
)
def test_something_else_at_the_path_of_ml_metadata_is_reported(
    kfp: KfpStandIn, run: fairing_kfp.Run, monkeypatch: pytest.MonkeyPatch, body: bytes
) -> None:
    monkeypatch.setattr("tests.support.kfp_pages.grpc_web", lambda *_: Raw(body))
    with pytest.raises(KfpError, match="does not serve"):
        _ = run.outputs


def test_an_error_of_ml_metadata_is_reported(
    kfp: KfpStandIn, run: fairing_kfp.Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kfp.metadata, "answer", lambda *_: (13, b""))
    with pytest.raises(KfpError, match="answered gRPC status 13: it says"):
        _ = run.outputs
    monkeypatch.setattr(kfp.metadata, "answer", lambda *_: (0, b"\xff"))
    with pytest.raises(KfpError, match="malformed"):
        _ = run.outputs
