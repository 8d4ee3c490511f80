"""The rank of this node and the addresses of all nodes, for code that runs on several nodes of a job.

    from fairing_kfp import distributed

    mine = distributed.shard(rows)
    booster = lightgbm.train({**parameters, **distributed.lightgbm_parameters()}, lightgbm.Dataset(mine, …))

Outside of a job, the process is the first of one node. In an image this file is `fairing_kfp.distributed`, unless the
package itself is installed there.
"""

import os
from typing import Any

_LIGHTGBM, _JAX = 12400, 8476  # as in frameworks.py, which is missing where this module is used by itself


def rank() -> int:
    """The rank of this node, from 0. The outputs of node 0 are the outputs of the step."""
    return int(os.environ.get("FAIRING_RANK", "0"))


def nodes() -> int:
    """The number of nodes."""
    return int(os.environ.get("FAIRING_NODES", "1"))


def peers() -> tuple[str, ...]:
    """The IP addresses of all nodes, in the order of their ranks."""
    return tuple(os.environ.get("FAIRING_PEERS", "127.0.0.1").split(","))


def shard(sequence: Any) -> Any:
    """The share of this node: every n-th item, for n nodes. With torchrun, the share of this process of all processes.

    Args:
        sequence: an object that supports slices with a step, such as a list, an array or a data frame of pandas.
    """
    number, count = rank(), nodes()
    if "TORCHELASTIC_RUN_ID" in os.environ:
        number, count = int(os.environ["RANK"]), int(os.environ["WORLD_SIZE"])
    return sequence[number::count]


def lightgbm_parameters(tree_learner: str = "data", port: int = _LIGHTGBM) -> dict[str, Any]:
    """LightGBM's parameters for training on all nodes, each with its own share of the rows; empty for a single node.

    Source: https://lightgbm.readthedocs.io/en/stable/Parallel-Learning-Guide.html

    Args:
        tree_learner: the parallel algorithm: `data`, `voting`, or `feature`, for which every node has all rows.
        port: the port on which the nodes listen.
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
    """The arguments of `jax.distributed.initialize`, which does not detect the rank and the number of nodes by itself.

    Args:
        port: the port on which the first node listens.
    """
    first = peers()[0]
    return {
        "coordinator_address": f"[{first}]:{port}" if ":" in first else f"{first}:{port}",
        "num_processes": nodes(),
        "process_id": rank(),
        "cluster_detection_method": "deactivate",  # it would call the Kubernetes API, for which the pods have no token
    }
