"""Paths of inputs and outputs on Vertex AI: a folder of a bucket, which its machines mount at `/gcs/`.

Source: https://cloud.google.com/vertex-ai/docs/training/cloud-storage-file-system
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from fairing_kfp.runtime.node_files import local_path

_WORKSPACE = "_kfp_workspace"  # metadata of an artifact on the run's workspace volume
_WORKSPACE_FOLDER = "/kfp-workspace/.artifacts"
_DISCARDED = "/tmp/fairing-outputs"  # noqa: S108 - the machine is not shared


@dataclass(frozen=True)
class StagedPath:
    """A file or folder on this machine and in the bucket.

    Attributes:
        path: path on this machine.
        uri: URI in the bucket.
    """

    path: str
    uri: str


class JobPaths:
    """Paths of a step's inputs and outputs, on this machine and on Vertex AI.

    Args:
        executor_input: KFP's ExecutorInput of the component.
        folder: folder of the job, `gs://bucket/folder`.

    Attributes:
        folder: folder of the job.
        inputs: the input artifacts.
    """

    def __init__(self, executor_input: Mapping[str, Any], folder: str) -> None:
        self._local, self.folder = executor_input, folder
        self._remote = _copy(executor_input)
        self.inputs: list[StagedPath] = []
        self._uris: dict[str, str] = {}
        for name, number, artifact in _artifacts(self._remote, "inputs"):
            uri, path = artifact["uri"], local_path(artifact["uri"])
            if artifact.get("metadata", {}).pop(_WORKSPACE, None):
                path = f"{_WORKSPACE_FOLDER}/{path.lstrip('/')}"
            if not path.startswith("/"):
                continue  # KFP does not download artifacts outside of object stores, such as web pages
            artifact["uri"] = f"{folder}/inputs/{name}/{number}/{_name(uri)}"
            self._uris[artifact["uri"]] = uri
            self.inputs.append(StagedPath(path, artifact["uri"]))

    def executor_input(self, *, first: bool = True) -> dict[str, Any]:
        """The ExecutorInput of a machine.

        Args:
            first: whether it is the first machine; the outputs of the others are discarded.
        """
        remote: dict[str, Any] = _copy(self._remote)
        root = f"{self.folder}/outputs" if first else _DISCARDED
        outputs = remote.get("outputs", {})
        for name, number, artifact in _artifacts(remote, "outputs"):
            artifact["uri"] = f"{root}/artifacts/{name}/{number}/{_name(artifact['uri'])}"
        for name, parameter in outputs.get("parameters", {}).items():
            parameter["outputFile"] = f"{local_path(root)}/parameters/{name}"
        outputs["outputFile"] = f"{local_path(root)}/{_name(outputs['outputFile'])}"
        return remote

    @property
    def artifacts(self) -> list[StagedPath]:
        """The output artifacts."""
        pairs = zip(_artifacts(self._local, "outputs"), _artifacts(self.executor_input(), "outputs"), strict=True)
        staged = (StagedPath(local_path(local["uri"]), remote["uri"]) for (_, _, local), (_, _, remote) in pairs)
        return [one for one in staged if one.path.startswith("/")]

    @property
    def parameters(self) -> list[StagedPath]:
        """The output parameters."""
        local, remote = self._local.get("outputs", {}), self.executor_input()["outputs"]
        return [
            StagedPath(parameter["outputFile"], _uri(remote["parameters"][name]["outputFile"]))
            for name, parameter in local.get("parameters", {}).items()
        ]

    @property
    def output(self) -> StagedPath:
        """The file with KFP's list of the outputs."""
        return StagedPath(self._local["outputs"]["outputFile"], _uri(self.executor_input()["outputs"]["outputFile"]))

    def with_original_uris(self, output: Any) -> Any:
        """KFP's list of the outputs, with the URIs that KFP assigned to the artifacts."""
        uris = dict(self._uris)
        pairs = zip(_artifacts(self._local, "outputs"), _artifacts(self.executor_input(), "outputs"), strict=True)
        uris.update({remote["uri"]: local["uri"] for (_, _, local), (_, _, remote) in pairs})
        return _with_uris(output, uris)


def _artifacts(executor_input: Mapping[str, Any], side: str) -> Iterator[tuple[str, int, dict[str, Any]]]:
    for name, one in executor_input.get(side, {}).get("artifacts", {}).items():
        for number, artifact in enumerate(one.get("artifacts", [])):
            yield name, number, artifact


def _with_uris(value: Any, uris: Mapping[str, str]) -> Any:
    if isinstance(value, dict):
        return {
            key: _original_uri(item, uris) if key == "uri" else _with_uris(item, uris) for key, item in value.items()
        }
    return [_with_uris(item, uris) for item in value] if isinstance(value, list) else value


def _original_uri(uri: Any, uris: Mapping[str, str]) -> Any:
    for remote, local in uris.items():
        if uri == remote or str(uri).startswith(f"{remote}/"):
            return f"{local}{uri[len(remote) :]}"
    return uri


def _name(path: str) -> str:
    return PurePosixPath(path).name


def _uri(path: str) -> str:
    return f"gs://{path.removeprefix('/gcs/')}"


def _copy(value: Any) -> Any:
    return json.loads(json.dumps(value))
