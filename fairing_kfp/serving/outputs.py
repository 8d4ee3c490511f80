"""The outputs of a serve step, where KFP's launcher looks for them (launcher_v2.go)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from fairing_kfp.runtime.node_files import local_path
from fairing_kfp.serving.report import report
from fairing_kfp.serving.result import ServeResult


def write_outputs(result: ServeResult, outputs: Mapping[str, Any]) -> None:
    """Writes the output parameters, the report, and KFP's executor output.

    Args:
        result: the step's result.
        outputs: `outputs` of KFP's ExecutorInput.
    """
    values = {"endpoint": result.endpoint, "image": result.image}
    for name, parameter in outputs.get("parameters", {}).items():
        _write(parameter["outputFile"], values[name])
    artifacts = {}
    for name, listed in outputs.get("artifacts", {}).items():
        artifact = listed["artifacts"][0]
        _write(local_path(artifact["uri"]), report(result))
        entry = {"name": artifact.get("name", name), "uri": artifact["uri"], "metadata": {}}
        artifacts[name] = {"artifacts": [entry]}
    if outputs.get("outputFile"):
        _write(outputs["outputFile"], json.dumps({"parameterValues": values, "artifacts": artifacts}))


def _write(name: str, text: str) -> None:
    path = Path(name)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
