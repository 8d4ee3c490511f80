"""The inputs of a replayed task: recorded parameters, and downloaded artifacts."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from fairing_kfp.errors import KfpError, PipelineError
from fairing_kfp.local.scope import completed
from fairing_kfp.local.task import Artifacts
from fairing_kfp.local.values import as_passed, as_type
from fairing_kfp.remote.artifact import RunArtifact

if TYPE_CHECKING:
    from fairing_kfp.remote.connect import Kfp
    from fairing_kfp.remote.metadata import StoredArtifact
    from fairing_kfp.replay.downloads import Downloads
    from fairing_kfp.replay.recording import Recording

CHANNEL = "pipelinechannel--"
"""The prefix of parameters that no component declares: values that KFP inserts into texts."""

_STORES = ("minio://", "s3://", "gs://")


def parameters_of(recording: Recording, component: Mapping[str, Any], warn: Callable[[str], None]) -> dict[str, Any]:
    """The parameters of a task, as Kubeflow Pipelines recorded them, with the defaults of the component that runs.

    Args:
        recording: the recorded step.
        component: the component that runs (ComponentSpec): that of the run, or that of the working tree.
        warn: called with each difference between the component and the recorded inputs.

    Raises:
        PipelineError: the component has a parameter without a recorded value or a default, or of another type.
    """
    name, definitions = recording.step.name, component.get("inputDefinitions", {}).get("parameters", {})
    found: dict[str, Any] = {}
    for key, value in as_passed(dict(recording.execution.inputs)).items():
        if key in definitions:
            kind = definitions[key].get("parameterType", "")
            found[key] = as_type(value, kind, f"the parameter {key} of {name}")
        elif key.startswith(CHANNEL):
            found[key] = value
        else:
            warn(f"{name} has no parameter {key} any more: its value of the run is not passed")
    _check_given(name, "parameter", definitions, found)
    return completed(name, component, found)


def artifacts_of(
    recording: Recording, component: Mapping[str, Any], kfp: Kfp, downloads: Downloads, warn: Callable[[str], None]
) -> Artifacts:
    """The input artifacts of a task, downloaded.

    Args:
        recording: the recorded step.
        component: the component that runs (ComponentSpec).
        kfp: connection with Kubeflow Pipelines.
        downloads: downloads them.
        warn: called with each difference between the component and the recorded inputs.

    Raises:
        PipelineError: the component has an input artifact that is not recorded.
        KfpError: the content of an artifact cannot be reached, or does not exist.
        ConfigError: the folder of downloads cannot be written.
    """
    name, definitions = recording.step.name, component.get("inputDefinitions", {}).get("artifacts", {})
    stored = dict(_with_repeated(recording))
    for key in [key for key in stored if key not in definitions]:
        warn(f"{name} has no input artifact {key} any more: it is not downloaded")
        del stored[key]
    _check_given(name, "input artifact", definitions, stored)
    uris: dict[str, str] = {}  # of several inputs with the same artifact, one
    found: Artifacts = {}
    for key, its in sorted(stored.items()):
        found[key] = []
        for one in its:
            if one.uri not in uris:
                artifact = RunArtifact(name, key, one.type, one.uri, one.metadata, one.store, kfp)
                uris[one.uri] = _uri_here(artifact, downloads, warn)
            kind = {"schemaTitle": one.type, "schemaVersion": "0.0.1"}
            metadata = as_passed(dict(one.metadata))
            found[key].append({"name": key, "type": kind, "uri": uris[one.uri], "metadata": metadata})
    return found


def _uri_here(artifact: RunArtifact, downloads: Downloads, warn: Callable[[str], None]) -> str:
    """The URI with which a step here gets an artifact: the path of its content, if it has any in a store."""
    if not artifact.uri.startswith(_STORES):
        warn(f"the input {artifact.name} stays at {artifact.uri}, which is in no object store that can be read")
        return artifact.uri
    try:
        return str(downloads.path_of(artifact))
    except KfpError as error:
        if not artifact.type.endswith("Metrics"):  # whose values are metadata, and whose file often does not exist
            raise
        warn(f"the input {artifact.name} has its metadata alone: {error.message}")
        return artifact.uri


def _with_repeated(recording: Recording) -> Iterator[tuple[str, tuple[StoredArtifact, ...]]]:
    """The input artifacts; ML Metadata records one that several inputs have for one of them."""
    recorded = recording.execution.input_artifacts
    sources = recording.task.get("inputs", {}).get("artifacts", {})
    for key, source in sources.items():
        same = next((other for other in recorded if sources.get(other) == source), key)
        its = recorded.get(key, recorded.get(same))
        if its:
            yield key, its


def _check_given(name: str, kind: str, definitions: Mapping[str, Any], given: Mapping[str, Any]) -> None:
    for key, one in definitions.items():
        if key not in given and not one.get("isOptional") and "defaultValue" not in one:
            raise PipelineError(
                f"the {kind} {key} of {name} has no value: the run recorded none",
                "give it a default, or replay the task of a run whose pipeline has it",
            )
