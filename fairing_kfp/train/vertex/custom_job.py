"""The request: a CustomJob, in Google's own types.

Source: https://cloud.google.com/vertex-ai/docs/reference/rest/v1/projects.locations.customJobs
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from fairing_kfp.errors import ConfigError
from fairing_kfp.preprocess.places import COMMAND
from fairing_kfp.train.vertex.order import OWNER, VertexOrder
from fairing_kfp.train.vertex.places import Places


def custom_job(order: VertexOrder, name: str, owner: str, places: Places, env: Mapping[str, str]) -> Any:
    """The job that an order asks for.

    Args:
        order: what is to be run.
        name: how the job is called.
        owner: the value of the label by which ours is known.
        places: where inputs and outputs lie.
        env: variables, beside those of the image.

    Returns:
        A `google.cloud.aiplatform_v1.types.CustomJob`.

    Raises:
        ConfigError: the accelerator is none that Google's client knows.
    """
    from google.cloud.aiplatform_v1 import types
    from google.protobuf.duration_pb2 import Duration

    pools = [_pool(order, places.executor_input(), env, 1)]
    if order.nodes > 1:
        pools.append(_pool(order, places.executor_input(first=False), env, order.nodes - 1))
    scheduling = types.Scheduling()
    if order.deadline is not None:
        scheduling.timeout = Duration(seconds=order.deadline)
    if order.spot:
        scheduling.strategy = types.Scheduling.Strategy.SPOT
    specification = types.CustomJobSpec(
        worker_pool_specs=pools,
        scheduling=scheduling,
        service_account=order.service_account or "",
        network=order.network or "",
    )
    return types.CustomJob(display_name=name, labels={**order.labels, OWNER: owner}, job_spec=specification)


def _pool(order: VertexOrder, executor_input: Mapping[str, Any], env: Mapping[str, str], machines: int) -> Any:
    from google.cloud.aiplatform_v1 import types

    machine = types.MachineSpec(machine_type=order.machine)
    if order.accelerator:
        known = types.AcceleratorType.__members__
        if order.accelerator not in known:
            names = ", ".join(name for name in known if not name.endswith("UNSPECIFIED"))
            raise ConfigError(f"{order.name}: there is no accelerator {order.accelerator!r}", f"use one of {names}")
        machine.accelerator_type = known[order.accelerator]
        machine.accelerator_count = order.accelerators
    # In arguments a container's start may replace what looks like $(VARIABLE): JSON can be written without that sign.
    text = json.dumps(executor_input).replace("$", "\\u0024")
    container = types.ContainerSpec(
        image_uri=order.image,
        command=list(COMMAND),
        args=["--executor_input", text],
        env=[types.EnvVar(name=name, value=value) for name, value in sorted(env.items())],
    )
    return types.WorkerPoolSpec(machine_spec=machine, replica_count=machines, container_spec=container)
