"""Models in artifacts, and their layers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from fairing_kfp.errors import ServingError
from fairing_kfp.serving import model
from fairing_kfp.serving.model import Model, input_artifact


def test_a_file_is_loaded_by_its_path(tmp_path: Path) -> None:
    (tmp_path / "forest").write_bytes(b"abc")
    found = Model.of_artifact(tmp_path / "forest", "minio://a/forest")

    assert (found.path, found.size, set(found.files)) == ("/mnt/models/forest", 3, {"models/forest"})


def test_a_folder_is_loaded_as_a_whole_and_links_are_followed(tmp_path: Path) -> None:
    folder = tmp_path / "model"
    (folder / "deep").mkdir(parents=True)
    (folder / "deep/weights").write_bytes(b"abc")
    (folder / "link").symlink_to("deep/weights")
    found = Model.of_artifact(folder, "u")

    assert found.path == "/mnt/models"
    assert set(found.files) == {"models/deep/weights", "models/link"}


@pytest.mark.parametrize("made", [False, True])
def test_an_empty_artifact_is_rejected(made: bool, tmp_path: Path) -> None:
    if made:
        (tmp_path / "model").mkdir()
    with pytest.raises(ServingError, match="minio://a/model has no files"):
        Model.of_artifact(tmp_path / "model", "minio://a/model")


def test_large_models_have_several_reproducible_layers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(model, "_LAYER_BYTES", 100)
    made = []
    for place in ("one", "two"):
        (tmp_path / place).mkdir()
        names = ("c", "a", "b", "d") if place == "one" else ("a", "b", "c", "d")
        for name in names:
            (tmp_path / place / name).write_bytes(name.encode() * {"a": 40, "b": 60, "c": 1, "d": 1000}[name])
        made.append(Model.of_artifact(tmp_path / place, "u").layers())

    assert [layer.digest for layer in made[0]] == [layer.digest for layer in made[1]]
    assert [layer.name for layer in made[0]] == ["model link", *["model"] * 3]  # a and b, c, d


def test_input_artifacts() -> None:
    given: dict[str, Any] = {"inputs": {"artifacts": {"model": {"artifacts": [{"uri": "minio://a/b"}]}}}}

    assert input_artifact(given) == (Path("/minio/a/b"), "minio://a/b")
    assert input_artifact({"inputs": {}}) is None
