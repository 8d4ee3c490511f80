"""The task after a notebook: it fails where the notebook failed.

KFP uploads nothing of a failed task. So a notebook's own task ends well, with its artifacts and a status, and this one
fails the run.
"""

from __future__ import annotations

import json
import os
import sys
from typing import Any


def check(name: str, executor_input: dict[str, Any]) -> int:
    """Says what a notebook's status is; gives the task's exit code.

    Args:
        name: the notebook's step.
        executor_input: KFP's, with the parameter `status`.
    """
    status = executor_input.get("inputs", {}).get("parameterValues", {}).get("status", "")
    if status:
        print(f"The notebook {name} failed: {status}\n  → see its artifacts `report` and `notebook`.", file=sys.stderr)
        return 1
    print(f"The notebook {name} ran to its end.")
    path = executor_input["outputs"]["outputFile"]
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8") as file:
        json.dump({}, file)
    return 0
