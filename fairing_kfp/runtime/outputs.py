"""Outputs that nobody wants: of the processes of a node the first one alone gives any."""

from __future__ import annotations

import copy
import os
import tempfile
from collections.abc import Mapping
from typing import Any


def wanted(environment: Mapping[str, str]) -> bool:
    """Whether the outputs of this process count: torchrun numbers those of a node."""
    return "TORCHELASTIC_RUN_ID" not in environment or environment.get("LOCAL_RANK", "0") == "0"


def scratch_outputs(executor_input: dict[str, Any]) -> dict[str, Any]:
    """An executor input whose outputs go to a folder of their own; the inputs are the same.

    Args:
        executor_input: KFP's.
    """
    made = copy.deepcopy(executor_input)
    outputs = made.get("outputs") or {}
    folder = tempfile.mkdtemp(prefix="outputs-")
    for name, one in (outputs.get("parameters") or {}).items():
        one["outputFile"] = os.path.join(folder, "parameters", name)
    for name, one in (outputs.get("artifacts") or {}).items():
        for number, artifact in enumerate(one.get("artifacts") or []):
            artifact["uri"] = os.path.join(folder, "artifacts", name, str(number))
    if "outputFile" in outputs:
        outputs["outputFile"] = os.path.join(folder, "output_metadata.json")
    return made
