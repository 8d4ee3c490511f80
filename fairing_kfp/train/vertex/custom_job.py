"""The request that creates a CustomJob, in the types of Google's client.

Source: https://cloud.google.com/vertex-ai/docs/reference/rest/v1/projects.locations.customJobs
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from fairing_kfp.errors import ConfigError
from fairing_kfp.preprocess.image_paths import COMMAND
from fairing_kfp.train.vertex.paths import JobPaths
from fairing_kfp.train.vertex.spec import OWNER, VertexJobSpec


def custom_job(spec: VertexJobSpec, name: str, owner: str, paths: JobPaths, env: Mapping[str, str]) -> Any:
    """The custom job of a spec.

    Args:
        spec: spec of the step.
        name: display name of the job, unless the spec has one.
        owner: value of the label `OWNER`.
        paths: paths of inputs and outputs.
        env: environment variables, in addition to those of the image.

    Returns:
        A `google.cloud.aiplatform_v1.types.CustomJob`.

    Raises:
        ConfigError: Google's client does not know the accelerator.
    """
    from google.cloud.aiplatform_v1 import types
    from google.protobuf.duration_pb2 import Duration

    pools = [_pool(spec, paths.executor_input(), env, 1)]
    if spec.nodes > 1:
        pools.append(_pool(spec, paths.executor_input(first=False), env, spec.nodes - 1))
    scheduling = types.Scheduling()
    if spec.deadline is not None:
        scheduling.timeout = Duration(seconds=spec.deadline)
    if spec.spot:
        scheduling.strategy = types.Scheduling.Strategy.SPOT
    specification = types.CustomJobSpec(
        worker_pool_specs=pools,
        scheduling=scheduling,
        service_account=spec.service_account or "",
        network=spec.network or "",
    )
    return types.CustomJob(
        display_name=spec.display_name or name, labels={**spec.labels, OWNER: owner}, job_spec=specification
    )


def _pool(spec: VertexJobSpec, executor_input: Mapping[str, Any], env: Mapping[str, str], machines: int) -> Any:
    from google.cloud.aiplatform_v1 import types

    machine = types.MachineSpec(machine_type=spec.machine)
    if spec.accelerator:
        known = types.AcceleratorType.__members__
        if spec.accelerator not in known:
            names = ", ".join(name for name in known if not name.endswith("UNSPECIFIED"))
            raise ConfigError(f"{spec.name}: there is no accelerator {spec.accelerator!r}", f"use one of {names}")
        machine.accelerator_type = known[spec.accelerator]
        machine.accelerator_count = spec.accelerators
    # The container runtime may expand $(VARIABLE) in arguments, so the JSON contains no dollar sign.
    text = json.dumps(executor_input).replace("$", "\\u0024")
    container = types.ContainerSpec(
        image_uri=spec.image,
        command=list(spec.command or COMMAND),
        args=["--executor_input", text],
        env=[types.EnvVar(name=name, value=value) for name, value in sorted(env.items())],
    )
    return types.WorkerPoolSpec(machine_spec=machine, replica_count=machines, container_spec=container)
