"""Parameters of a serve task whose values are known at run time only, such as outputs of other tasks."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from fairing_kfp.errors import ConfigError
from fairing_kfp.serving.registration import METADATA, RUN_ID, RUN_NAME
from fairing_kfp.serving.spec import ServingSpec

_TYPES = {"STRING": str, "NUMBER_INTEGER": int, "NUMBER_DOUBLE": float, "BOOLEAN": bool}
"""Python's types of KFP's parameters."""


def is_known_at_run_time(value: Any) -> bool:
    """Whether a value is or contains a parameter of the pipeline or an output of a task."""
    from kfp.dsl.pipeline_channel import extract_pipeline_channels_from_any

    return bool(extract_pipeline_channels_from_any(value))


def type_of(value: Any) -> type | None:
    """The type of a task's parameter; None for an artifact, a list or a dictionary.

    Args:
        value: a parameter of the pipeline, an output of a task, or text.
    """
    from kfp.dsl.types.type_utils import get_parameter_type_name, is_parameter_type

    if isinstance(value, str):
        return str
    return _TYPES.get(get_parameter_type_name(value.channel_type)) if is_parameter_type(value.channel_type) else None


def registration_inputs(spec: ServingSpec) -> tuple[ServingSpec, Mapping[str, Any]]:
    """Takes metadata that is known at run time out of a spec, to become parameters of the task, with the run's ID.

    Args:
        spec: the spec, whose metadata may contain outputs of tasks.

    Raises:
        ConfigError: a value of the metadata is neither text, a finite number, a boolean, nor the output of a task.
    """
    if spec.register is None:
        return spec, {}
    from kfp import dsl

    metadata = spec.register.metadata
    later = {key: value for key, value in metadata.items() if is_known_at_run_time(value)}
    for key, value in metadata.items():
        if not (type_of(value) if key in later else _is_plain(value)):
            raise ConfigError(
                f"serve(name={spec.name!r}): {key!r} in the metadata of Registration({spec.register.name!r}) is "
                f"{f'of type {value.channel_type}' if key in later else repr(value)}",
                "use text, finite numbers, booleans, or parameters and outputs of these types",
            )
    constant = {key: value for key, value in metadata.items() if key not in later}
    run = {RUN_ID: dsl.PIPELINE_JOB_ID_PLACEHOLDER, RUN_NAME: dsl.PIPELINE_JOB_NAME_PLACEHOLDER}
    changed = replace(spec, register=replace(spec.register, metadata=constant))
    return changed, {**run, **{f"{METADATA}{key}": value for key, value in later.items()}}


def _is_plain(value: Any) -> bool:
    return isinstance(value, (str, bool, int)) or (isinstance(value, float) and math.isfinite(value))
