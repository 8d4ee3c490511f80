"""Which node of a job this is, and who the others are: for code that runs on several.

    from fairing_kfp import distributed

    mine = distributed.shard(rows)
    booster = lightgbm.train({**parameters, **distributed.lightgbm_parameters()}, lightgbm.Dataset(mine, …))

Outside of a job it is the first node of one. In an image this file is `fairing_kfp.distributed`, unless the real
package is installed there.
"""

import os
from typing import Any

_LIGHTGBM, _JAX = 12400, 8476  # the ports of frameworks.py, which is not there when this is a module of its own


def rank() -> int:
    """Which node this is, counted from 0; the outputs of that one are those of the step."""
    return int(os.environ.get("FAIRING_RANK", "0"))


def nodes() -> int:
    """How many nodes there are."""
    return int(os.environ.get("FAIRING_NODES", "1"))


def peers() -> tuple[str, ...]:
    """The IP addresses of all nodes, by rank."""
    return tuple(os.environ.get("FAIRING_PEERS", "127.0.0.1").split(","))


def shard(sequence: Any) -> Any:
    """The share of this node, or of this process if torchrun started several: every n-th item.

    Args:
        sequence: what has slices with a step: a list, an array, a frame of pandas.
    """
    number, count = rank(), nodes()
    if "TORCHELASTIC_RUN_ID" in os.environ:
        number, count = int(os.environ["RANK"]), int(os.environ["WORLD_SIZE"])
    return sequence[number::count]


def lightgbm_parameters(tree_learner: str = "data", port: int = _LIGHTGBM) -> dict[str, Any]:
    """LightGBM's parameters for training on all nodes, each with its own share of the rows; none for a single node.

    Source: https://lightgbm.readthedocs.io/en/stable/Parallel-Learning-Guide.html

    Args:
        tree_learner: how the work is divided: `data`, `voting`, or `feature`, for which every node has all rows.
        port: on which the nodes listen.
    """
    if nodes() == 1:
        return {}
    return {
        "machines": ",".join(f"{peer}:{port}" for peer in peers()),
        "num_machines": nodes(),
        "local_listen_port": port,
        "tree_learner": tree_learner,
        "pre_partition": tree_learner != "feature",
    }


def jax_arguments(port: int = _JAX) -> dict[str, Any]:
    """The arguments of `jax.distributed.initialize`, which finds out neither its number nor how many there are.

    Args:
        port: on which the first node listens.
    """
    first = peers()[0]
    return {
        "coordinator_address": f"[{first}]:{port}" if ":" in first else f"{first}:{port}",
        "num_processes": nodes(),
        "process_id": rank(),
        "cluster_detection_method": "deactivate",  # it would ask Kubernetes, for which the pods have no token
    }
