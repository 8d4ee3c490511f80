"""What KFP's settings of a task mean on Vertex AI: its plain variables hold there, the rest cannot."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fairing_kfp.errors import ConfigError

_OF_THE_STEP = ("GOOGLE_APPLICATION_CREDENTIALS",)  # a file of the step's; the code runs as the job's service account


def env_of(name: str, task: Mapping[str, Any]) -> dict[str, str]:
    """The variables of the job's containers.

    Args:
        name: the component's.
        task: KFP's TaskConfig.

    Raises:
        ConfigError: a setting is one that Vertex AI cannot take.
    """
    resources = task.get("resources") or {}
    asked = sorted({key for part in ("limits", "requests") for key in (resources.get(part) or {})})
    if asked:
        raise ConfigError(
            f"{name}: {', '.join(asked)} of its task, but a custom job of Vertex AI has a machine type",
            "choose machine=, accelerator= and accelerators= of vertexjob",
        )
    for volume in task.get("volumes") or []:
        if "secret" not in volume:  # those are for the step, which may need them to reach Google
            raise ConfigError(
                f"{name}: the volume {volume.get('name')!r} of its task, which Vertex AI cannot mount",
                "bring the data as an input artifact, or have the code read it from below /gcs/BUCKET",
            )
    env = {}
    for variable in task.get("env") or []:
        if variable.get("valueFrom"):
            raise ConfigError(
                f"{name}: {variable['name']} of its task comes from Kubernetes, which Vertex AI does not have",
                "have its code read secrets from Google's Secret Manager, as the job's service_account",
            )
        if variable["name"] not in _OF_THE_STEP:
            env[variable["name"]] = str(variable.get("value", ""))
    return env
