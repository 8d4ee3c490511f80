"""The input of a training step through which KFP passes the settings of its task: `dsl.TaskConfig`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from fairing_kfp.errors import UnavailableError

TASK_CONFIG = "fairing_task_config"
"""Name of the input."""


def require_task_config(step: str) -> None:
    """Checks that the installed kfp can pass the settings of a task to its step.

    Args:
        step: the step, for the message.

    Raises:
        UnavailableError: it is older than 2.15.
    """
    import kfp
    from kfp import dsl

    if not hasattr(dsl, "TaskConfig"):
        raise UnavailableError(
            f"{step} needs kfp 2.15 or newer, but kfp {kfp.__version__} is installed", "pip install 'kfp>=2.15'"
        )


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
