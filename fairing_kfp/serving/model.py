"""A trained model in an artifact, and its image layers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

from fairing_kfp.errors import ConfigError, ServingError
from fairing_kfp.image.layer import Layer
from fairing_kfp.runtime.node_files import files_below, local_path

FOLDER = "models"
"""Folder of the model in an image, where KServe, Kubeflow Pipelines and image volumes look for it."""

LINK = "mnt/models"
"""Link to the folder, which predictors load the model from. KServe mounts the models that it loads itself here."""

_LAYER_BYTES = 256 << 20
"""Size of a layer's files, in bytes, unless one file is larger. Layers are pushed and pulled in parallel."""


@dataclass(frozen=True)
class Model:
    """The files of a model.

    Attributes:
        files: files by path in the image.
        size: total size, in bytes.
        path: path that the predictor loads: the file, or the folder of several.
        uri: URI of the artifact.
    """

    files: Mapping[str, Path] = field(hash=False)
    size: int
    path: str
    uri: str

    @classmethod
    def of_artifact(cls, path: Path, uri: str, file_name: str = "") -> Model:
        """The model in an artifact, which is a file or a folder.

        Args:
            path: path of the artifact.
            uri: URI of the artifact.
            file_name: name in the image of a model of one file; its own by default.

        Raises:
            ServingError: the artifact is empty.
            ConfigError: `file_name` is not the name of a file, or the artifact is a folder.
        """
        found = [(Path(file), size) for file, size in files_below(str(path))]
        if not found:
            raise ServingError(f"the model {uri} has no files", "write it to model.path in the step that trains it")
        if path.is_file():
            name = _checked_name(file_name) if file_name else path.name
            files = {f"{FOLDER}/{name}": path}
        elif file_name:
            raise ConfigError(
                f"the model {uri} is a folder, to which file_name={file_name!r} does not apply", "leave out file_name"
            )
        else:
            name, files = "", {f"{FOLDER}/{file.relative_to(path).as_posix()}": file for file, _ in found}
        return cls(files, sum(size for _, size in found), str(PurePosixPath("/", LINK, name)), uri)

    def layers(self) -> tuple[Layer, ...]:
        """The link's layer, and those of the files. Files fill them in the order of their paths, so equal models have
        equal layers.

        Raises:
            PackError: a file cannot be read, or its name is not allowed in an image.
        """
        from fairing_kfp.layers.files import layer_of_link
        from fairing_kfp.layers.streamed import streamed_layer

        groups: list[dict[str, Path]] = []
        room = 0
        for path, file in sorted(self.files.items()):
            size = file.stat().st_size
            if not groups or size > room:
                groups.append({})
                room = _LAYER_BYTES
            groups[-1][path] = file
            room -= size
        link = layer_of_link("model link", LINK, f"../{FOLDER}")
        return link, *(streamed_layer("model", group) for group in groups)


def _checked_name(name: str) -> str:
    if "/" in name or name in (".", "..") or name.startswith(".wh."):
        raise ConfigError(f"file_name={name!r} is not the name of a file", "use a name such as model.joblib")
    return name


def input_artifact(executor_input: Mapping[str, Any], name: str = "model") -> tuple[Path, str] | None:
    """The local path and URI of an input artifact in KFP's ExecutorInput; None if there is none."""
    artifacts = executor_input.get("inputs", {}).get("artifacts", {}).get(name, {}).get("artifacts", [])
    if not artifacts:
        return None
    uri = str(artifacts[0]["uri"])
    return Path(local_path(uri)), uri
