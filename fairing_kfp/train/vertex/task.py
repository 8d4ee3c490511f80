"""Settings of a KFP task on Vertex AI: plain environment variables are supported, others are errors."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fairing_kfp.errors import ConfigError

_STEP_ONLY = ("GOOGLE_APPLICATION_CREDENTIALS",)  # a file of the step; the code uses the job's service account


def env_of_task(name: str, task_config: Mapping[str, Any]) -> dict[str, str]:
    """The environment variables of the job's containers.

    Args:
        name: name of the component.
        task_config: KFP's TaskConfig.

    Raises:
        ConfigError: Vertex AI does not support a setting.
    """
    resources = task_config.get("resources") or {}
    requested = sorted({key for part in ("limits", "requests") for key in (resources.get(part) or {})})
    if requested:
        raise ConfigError(
            f"{name}: its task requests {', '.join(requested)}, which a custom job gets by its machine type",
            "set machine=, accelerator= and accelerators= of vertexjob",
        )
    for volume in task_config.get("volumes") or []:
        if "secret" not in volume:  # Secrets are for the step, which may need them to authenticate
            raise ConfigError(
                f"{name}: Vertex AI cannot mount the volume {volume.get('name')!r} of its task",
                "pass the data as an input artifact, or read it from /gcs/BUCKET",
            )
    env = {}
    for variable in task_config.get("env") or []:
        if variable.get("valueFrom"):
            raise ConfigError(
                f"{name}: the value of {variable['name']} is in Kubernetes, which Vertex AI cannot read",
                "read secrets from Google's Secret Manager, with the permissions of the job's service_account",
            )
        if variable["name"] not in _STEP_ONLY:
            env[variable["name"]] = str(variable.get("value", ""))
    return env
