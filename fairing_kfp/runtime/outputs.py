"""The outputs of the processes of a node: only those of the first process are used."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any


def are_used(environment: Mapping[str, str]) -> bool:
    """Whether the outputs of this process are used: it is the only one, or torchrun's first on this node."""
    return "TORCHELASTIC_RUN_ID" not in environment or environment.get("LOCAL_RANK", "0") == "0"


def scratch_outputs(executor_input: dict[str, Any]) -> dict[str, Any]:
    """A copy of an ExecutorInput whose outputs are in a new temporary folder.

    Args:
        executor_input: KFP's ExecutorInput.
    """
    import copy
    import tempfile

    changed = copy.deepcopy(executor_input)
    outputs = changed.get("outputs") or {}
    folder = tempfile.mkdtemp(prefix="outputs-")
    for name, one in (outputs.get("parameters") or {}).items():
        one["outputFile"] = os.path.join(folder, "parameters", name)
    for name, one in (outputs.get("artifacts") or {}).items():
        for number, artifact in enumerate(one.get("artifacts") or []):
            artifact["uri"] = os.path.join(folder, "artifacts", name, str(number))
    if "outputFile" in outputs:
        outputs["outputFile"] = os.path.join(folder, "output_metadata.json")
    return changed
