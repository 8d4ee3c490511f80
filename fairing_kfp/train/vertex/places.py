"""Where inputs and outputs lie on Vertex AI: in a folder of a bucket, which its machines have below `/gcs/`.

Source: https://cloud.google.com/vertex-ai/docs/training/cloud-storage-file-system
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from fairing_kfp.runtime.node_files import local_path

_WORKSPACE = "_kfp_workspace"  # marks an artifact on the run's shared volume, which Vertex AI does not have
_WORKSPACE_FOLDER = "/kfp-workspace/.artifacts"
_THROWN_AWAY = "/tmp/fairing-outputs"  # noqa: S108 - of a machine that nobody else has


@dataclass(frozen=True)
class Moved:
    """A file or folder that is here and there.

    Attributes:
        path: where it is in the step.
        uri: where it is in the bucket.
    """

    path: str
    uri: str


class Places:
    """What a step's inputs and outputs are called here, and on Vertex AI.

    Args:
        executor_input: KFP's.
        folder: the job's own, `gs://bucket/folder`.
    """

    def __init__(self, executor_input: Mapping[str, Any], folder: str) -> None:
        self._given, self.folder = executor_input, folder
        self._theirs = _copy(executor_input)
        self.inputs: list[Moved] = []
        """The input artifacts."""
        self._uris: dict[str, str] = {}
        for name, number, artifact in _artifacts(self._theirs, "inputs"):
            uri, path = artifact["uri"], local_path(artifact["uri"])
            if artifact.get("metadata", {}).pop(_WORKSPACE, None):
                path = f"{_WORKSPACE_FOLDER}/{path.lstrip('/')}"
            if not path.startswith("/"):
                continue  # what is nowhere in a store, such as a page of the web, KFP leaves to the code
            artifact["uri"] = f"{folder}/inputs/{name}/{number}/{_last(uri)}"
            self._uris[artifact["uri"]] = uri
            self.inputs.append(Moved(path, artifact["uri"]))

    def executor_input(self, *, first: bool = True) -> dict[str, Any]:
        """What the code is given: that of the first machine, or of the others, whose outputs nobody wants."""
        theirs: dict[str, Any] = _copy(self._theirs)
        root = f"{self.folder}/outputs" if first else _THROWN_AWAY
        outputs = theirs.get("outputs", {})
        for name, number, artifact in _artifacts(theirs, "outputs"):
            artifact["uri"] = f"{root}/artifacts/{name}/{number}/{_last(artifact['uri'])}"
        for name, parameter in outputs.get("parameters", {}).items():
            parameter["outputFile"] = f"{local_path(root)}/parameters/{name}"
        outputs["outputFile"] = f"{local_path(root)}/{_last(outputs['outputFile'])}"
        return theirs

    @property
    def artifacts(self) -> list[Moved]:
        """The output artifacts."""
        pairs = zip(_artifacts(self._given, "outputs"), _artifacts(self.executor_input(), "outputs"), strict=True)
        moved = (Moved(local_path(here["uri"]), there["uri"]) for (_, _, here), (_, _, there) in pairs)
        return [one for one in moved if one.path.startswith("/")]

    @property
    def parameters(self) -> list[Moved]:
        """The output parameters."""
        here, there = self._given.get("outputs", {}), self.executor_input()["outputs"]
        return [
            Moved(parameter["outputFile"], _uri(there["parameters"][name]["outputFile"]))
            for name, parameter in here.get("parameters", {}).items()
        ]

    @property
    def output(self) -> Moved:
        """KFP's list of the outputs."""
        return Moved(self._given["outputs"]["outputFile"], _uri(self.executor_input()["outputs"]["outputFile"]))

    def as_here(self, output: Any) -> Any:
        """KFP's list of the outputs, with artifacts named by the URIs that KFP gave them."""
        uris = dict(self._uris)
        pairs = zip(_artifacts(self._given, "outputs"), _artifacts(self.executor_input(), "outputs"), strict=True)
        uris.update({there["uri"]: here["uri"] for (_, _, here), (_, _, there) in pairs})
        return _named(output, uris)


def _artifacts(executor_input: Mapping[str, Any], side: str) -> Iterator[tuple[str, int, dict[str, Any]]]:
    for name, one in executor_input.get(side, {}).get("artifacts", {}).items():
        for number, artifact in enumerate(one.get("artifacts", [])):
            yield name, number, artifact


def _named(value: Any, uris: Mapping[str, str]) -> Any:
    if isinstance(value, dict):
        return {key: _renamed(item, uris) if key == "uri" else _named(item, uris) for key, item in value.items()}
    return [_named(item, uris) for item in value] if isinstance(value, list) else value


def _renamed(uri: Any, uris: Mapping[str, str]) -> Any:
    for there, here in uris.items():
        if uri == there or str(uri).startswith(f"{there}/"):
            return f"{here}{uri[len(there) :]}"
    return uri


def _last(place: str) -> str:
    return PurePosixPath(place).name


def _uri(path: str) -> str:
    return f"gs://{path.removeprefix('/gcs/')}"


def _copy(value: Any) -> Any:
    return json.loads(json.dumps(value))
