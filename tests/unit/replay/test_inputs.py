"""Input artifacts of a replayed task, without a server."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import pytest

from fairing_kfp.errors import KfpError
from fairing_kfp.pipeline.specification import Specification
from fairing_kfp.remote.artifact import RunArtifact
from fairing_kfp.remote.connect import Kfp
from fairing_kfp.remote.metadata import Execution, StoredArtifact
from fairing_kfp.remote.step import Step
from fairing_kfp.replay.downloads import Downloads
from fairing_kfp.replay.inputs import artifacts_of
from fairing_kfp.replay.recording import Recording


@pytest.fixture
def downloaded(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The URIs that were downloaded; those with `gone` cannot be."""
    found: list[str] = []

    def download(artifact: RunArtifact, path: Path, *, on_bytes: Callable[[int], None]) -> Path:
        if "gone" in artifact.uri:
            raise KfpError("it is gone", "")
        found.append(artifact.uri)
        path.mkdir(parents=True)
        on_bytes((path / "part").write_bytes(b"content"))
        return path

    monkeypatch.setattr(RunArtifact, "download", download)
    return found


def artifacts(folder: Path, **stored: tuple[StoredArtifact, ...]) -> tuple[dict[str, Any], list[int | None], list[str]]:
    """The artifacts of a task with these inputs, the progress of downloads, and warnings."""
    definitions = {name: {"artifactType": {}} for name in stored}
    task = {"inputs": {"artifacts": {name: {"componentInputArtifact": name} for name in stored}}}
    execution = Execution(1, "merge", "root.merge", {}, {}, {}, stored)
    recording = Recording(Step("merge", "failed", task="merge"), execution, Specification("", {}, []), task, {})
    progress: list[int | None] = []
    warnings: list[str] = []
    downloads = Downloads(folder, lambda artifact, count: progress.append(count))
    component = {"inputDefinitions": {"artifacts": definitions}}
    return artifacts_of(recording, component, cast("Kfp", None), downloads, warnings.append), progress, warnings


def stored(uri: str, kind: str = "system.Model", **metadata: Any) -> StoredArtifact:
    return StoredArtifact(kind, uri, metadata, "")


def test_artifacts_are_downloaded_again_only_if_a_step_changed_them(tmp_path: Path, downloaded: list[str]) -> None:
    models = (stored("s3://b/2", n=1), stored("s3://b/1"))
    found, progress, _ = artifacts(tmp_path, models=models)

    assert downloaded == ["s3://b/2", "s3://b/1"]
    assert progress == [0, 7, 0, 7]
    assert [one["metadata"] for one in found["models"]] == [{"n": 1}, {}]
    (Path(found["models"][0]["uri"]) / "part").write_bytes(b"changed by a step")
    again, progress, _ = artifacts(tmp_path, models=models)
    assert again == found
    assert downloaded[2:] == ["s3://b/2"]
    assert progress == [0, 7, None]
    assert (Path(found["models"][0]["uri"]) / "part").read_bytes() == b"content"


def test_what_is_in_no_store_keeps_its_uri(tmp_path: Path, downloaded: list[str]) -> None:
    scores = stored("s3://b/gone", "system.ClassificationMetrics", n=1)
    found, _, warnings = artifacts(tmp_path, image=(stored("oci://r/model"),), scores=(scores,))

    assert [found[name][0]["uri"] for name in ("image", "scores")] == ["oci://r/model", "s3://b/gone"]
    assert [text.partition(",")[0] for text in warnings] == [
        "the input image stays at oci://r/model",
        "the input scores has its metadata alone: it is gone",
    ]
    with pytest.raises(KfpError, match="it is gone"):
        artifacts(tmp_path, model=(stored("s3://b/gone"),))
