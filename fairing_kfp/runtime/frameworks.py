"""What the code of a node is told so that the processes of its framework find each other.

It is told by the addresses of the pods, which the step knows: whatever an operator has set, by names of services that
may not be there yet, is set anew.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

TORCHRUN = "--torchrun"
"""What the step's program is told to start torchrun, whose own arguments follow."""

PORTS = {"torch": 29500, "tensorflow": 2222, "jax": 8476, "lightgbm": 12400}
"""Where the processes of a framework meet; the ports that each uses by itself."""


@dataclass(frozen=True)
class Means:
    """What the code of a node is started with.

    Attributes:
        variables: of its environment; None for one that is taken away.
        before: arguments of the step's program, before the program that is started with them.
    """

    variables: dict[str, str | None] = field(default_factory=dict)
    before: tuple[str, ...] = ()

    def environment(self, given: dict[str, str]) -> dict[str, str]:
        """An environment with the variables in it."""
        changed = {**given, **self.variables}
        return {name: value for name, value in changed.items() if value is not None}


def means(framework: str | None, rank: int, peers: Sequence[str], processes: int | None = None) -> Means:
    """What the code of one node is started with.

    Args:
        framework: `torch`, `tensorflow`, `jax`, `lightgbm`, or None for nodes that are each on its own.
        rank: which node it is, counted from 0.
        peers: the IP addresses of all nodes, by rank.
        processes: on each node, for torchrun; one by default.
    """
    told = {
        "FAIRING_RANK": str(rank),
        "FAIRING_NODES": str(len(peers)),
        "FAIRING_PEERS": ",".join(peers),
    }
    special = _FRAMEWORKS[framework](rank, peers, processes or 1) if framework else Means()
    return Means({**told, **special.variables}, special.before)


def alone(framework: str | None, port: int) -> dict[str, str]:
    """The environment of code that runs as one process by itself, without torchrun.

    Args:
        framework: as for `means`.
        port: a free one.
    """
    if framework != "torch":
        return {}
    ranks = {"RANK": "0", "LOCAL_RANK": "0", "GROUP_RANK": "0", "WORLD_SIZE": "1", "LOCAL_WORLD_SIZE": "1"}
    return {**ranks, "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)}


def address(peer: str, port: int) -> str:
    """An address and a port, as URLs have them."""
    return f"[{peer}]:{port}" if ":" in peer else f"{peer}:{port}"


def _torch(rank: int, peers: Sequence[str], processes: int) -> Means:
    """Torchrun, which sets RANK, WORLD_SIZE and the like for each process.

    Source: https://docs.pytorch.org/docs/stable/elastic/run.html
    """
    first, port = peers[0], str(PORTS["torch"])
    return Means(
        {"MASTER_ADDR": first, "MASTER_PORT": port, "RANK": None, "WORLD_SIZE": None},
        (
            TORCHRUN,
            f"--nnodes={len(peers)}",
            f"--nproc-per-node={processes}",
            f"--node-rank={rank}",
            "--rdzv-backend=static",
            "--max-restarts=0",
            f"--master-addr={first}",
            f"--master-port={port}",
        ),
    )


def _tensorflow(rank: int, peers: Sequence[str], processes: int) -> Means:
    """TF_CONFIG, with workers alone: the first is their chief; of a single node it would ask for a server in vain.

    Source: https://www.tensorflow.org/guide/distributed_training#setting_up_the_tf_config_environment_variable
    """
    if len(peers) == 1:
        return Means({"TF_CONFIG": None})
    workers = [address(peer, PORTS["tensorflow"]) for peer in peers]
    config = {"cluster": {"worker": workers}, "task": {"type": "worker", "index": rank}}
    return Means({"TF_CONFIG": json.dumps(config)})


def _jax(rank: int, peers: Sequence[str], processes: int) -> Means:
    """The variables that Kubeflow's operators set.

    `jax.distributed.initialize` itself reads the first alone: its arguments are given by
    `fairing_kfp.distributed.jax_arguments`.

    Source: https://docs.jax.dev/en/latest/_autosummary/jax.distributed.initialize.html
    """
    return Means(
        {
            "JAX_COORDINATOR_ADDRESS": address(peers[0], PORTS["jax"]),
            "JAX_NUM_PROCESSES": str(len(peers)),
            "JAX_PROCESS_ID": str(rank),
        }
    )


def _lightgbm(rank: int, peers: Sequence[str], processes: int) -> Means:
    """Nothing: LightGBM is told by parameters, which `fairing_kfp.distributed.lightgbm_parameters` gives."""
    return Means()


_FRAMEWORKS: dict[str, Callable[[int, Sequence[str], int], Means]] = {
    "torch": _torch,
    "tensorflow": _tensorflow,
    "jax": _jax,
    "lightgbm": _lightgbm,
}
