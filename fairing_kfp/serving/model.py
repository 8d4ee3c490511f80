"""A trained model as it lies in an artifact, and the layers that it becomes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

from fairing_kfp.errors import ServingError
from fairing_kfp.image.layer import Layer
from fairing_kfp.runtime.node_files import files_below, local_path
from fairing_kfp.serving.served import MODELS

_LARGEST = 256 << 20
"""Bytes of the files of one layer, unless one file alone is larger: layers are sent and pulled side by side."""


@dataclass(frozen=True)
class Model:
    """The files of a model.

    Attributes:
        files: by their paths in the image.
        size: of all, in bytes.
        path: what the predictor loads: the file, or the folder of several.
        uri: where it was kept.
    """

    files: Mapping[str, Path] = field(hash=False)
    size: int
    path: str
    uri: str

    @classmethod
    def of_artifact(cls, path: Path, uri: str) -> Model:
        """The model that an artifact holds: a file, or the files of a folder.

        Raises:
            ServingError: there is nothing in it.
        """
        found = [(Path(file), size) for file, size in files_below(str(path))]
        if not found:
            raise ServingError(
                f"the model {uri} holds no file", "have the step that trains it write to model.path before it ends"
            )
        whole = str(PurePosixPath(MODELS, path.name)) if path.is_file() else MODELS
        files = {
            whole if path.is_file() else f"{MODELS}/{file.relative_to(path).as_posix()}": file for file, _ in found
        }
        return cls(files, sum(size for _, size in found), f"/{whole}", uri)

    def layers(self) -> tuple[Layer, ...]:
        """Its layers, filled by the order of its files' paths: the same model gives the same layers.

        Raises:
            PackError: a file cannot be read, or has a name that an image cannot hold.
        """
        from fairing_kfp.image.streamed import streamed_layer

        groups: list[dict[str, Path]] = []
        room = 0
        for path, file in sorted(self.files.items()):
            size = file.stat().st_size
            if not groups or size > room:
                groups.append({})
                room = _LARGEST
            groups[-1][path] = file
            room -= size
        return tuple(streamed_layer("model", group) for group in groups)


def artifact(executor_input: Mapping[str, Any], name: str = "model") -> tuple[Path, str] | None:
    """An input artifact of KFP's ExecutorInput: where it lies here, and its URI; None if there is none."""
    listed = executor_input.get("inputs", {}).get("artifacts", {}).get(name, {}).get("artifacts", [])
    if not listed:
        return None
    uri = str(listed[0]["uri"])
    return Path(local_path(uri)), uri
