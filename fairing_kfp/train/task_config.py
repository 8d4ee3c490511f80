"""The input of a training step through which KFP passes the settings of its task: `dsl.TaskConfig`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

TASK_CONFIG = "fairing_task_config"
"""Name of the input."""


def split_task_config(executor_input: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Separates the settings of the task from the component's own inputs.

    Args:
        executor_input: KFP's ExecutorInput of the step.

    Returns:
        The ExecutorInput of the component, and the TaskConfig (empty if there is none).
    """
    own = json.loads(json.dumps(executor_input))
    task_config = own.get("inputs", {}).get("parameterValues", {}).pop(TASK_CONFIG, None)
    return own, task_config or {}
