"""The task after a notebook, which fails if the notebook failed.

KFP does not upload the artifacts of a failed task. So the task of a notebook succeeds in any case and outputs a status,
and this task fails the run.
"""

from __future__ import annotations

import json
import os
import sys
from typing import Any


def check(name: str, executor_input: dict[str, Any]) -> int:
    """Prints the status of a notebook.

    Args:
        name: the step of the notebook.
        executor_input: KFP's ExecutorInput, with the parameter `status`.

    Returns:
        The exit code of the task: 1 if the notebook failed.
    """
    status = executor_input.get("inputs", {}).get("parameterValues", {}).get("status", "")
    if status:
        print(f"The notebook {name} failed: {status}\n  → see its artifacts `report` and `notebook`.", file=sys.stderr)
        return 1
    print(f"The notebook {name} succeeded.")
    path = executor_input["outputs"]["outputFile"]
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8") as file:
        json.dump({}, file)
    return 0
