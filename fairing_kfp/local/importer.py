"""Importers of a local run: artifacts that exist already, here or elsewhere."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fairing_kfp.errors import PipelineError
from fairing_kfp.local.content import IMPORTED, local_path
from fairing_kfp.local.task import Task, Values
from fairing_kfp.local.values import as_passed, filled


def imported(importer: Mapping[str, Any], task: Task) -> Values:
    """The output of an importer.

    Args:
        importer: its specification (ImporterSpec).
        task: its task.

    Raises:
        PipelineError: a local file does not exist.
    """
    source, parameters = importer["artifactUri"], task.inputs.parameters
    uri = parameters[source["runtimeParameter"]] if "runtimeParameter" in source else source["constant"]
    path = local_path(str(uri))
    if path is not None:
        if not path.exists():
            raise PipelineError(
                f"{task.step} imports {uri}, which does not exist here", "name a file or folder, or a URI with a scheme"
            )
        uri = path.absolute()
    metadata = filled(as_passed(importer.get("metadata", {})), parameters)
    artifact = {"name": "artifact", "type": importer["typeSchema"], "uri": str(uri), "metadata": metadata}
    return Values({}, {"artifact": [{**artifact, IMPORTED: True}]})
