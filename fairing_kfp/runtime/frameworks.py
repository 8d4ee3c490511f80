"""Environment variables and launchers by which the processes of a framework find one another.

They contain the addresses of the pods, which the step knows. They override variables of the operators, which contain
names of services that may not exist yet.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

TORCHRUN = "--torchrun"
"""The option of the step's program that starts torchrun; torchrun's arguments follow."""

PORTS = {"torch": 29500, "tensorflow": 2222, "jax": 8476, "lightgbm": 12400}
"""The port for the rendezvous of each framework's processes: its default port."""


@dataclass(frozen=True)
class Launch:
    """Environment and arguments that a node's code is started with.

    Attributes:
        variables: environment variables; None removes a variable.
        arguments: arguments of the step's program that start a launcher, before the program that the launcher starts.
    """

    variables: dict[str, str | None] = field(default_factory=dict)
    arguments: tuple[str, ...] = ()

    def environment(self, given: dict[str, str]) -> dict[str, str]:
        """A copy of an environment with these variables."""
        changed = {**given, **self.variables}
        return {name: value for name, value in changed.items() if value is not None}


def launch(framework: str | None, rank: int, peers: Sequence[str], processes: int | None = None) -> Launch:
    """The environment and arguments for the code of one node.

    Args:
        framework: `torch`, `tensorflow`, `jax`, `lightgbm`, or None for nodes that work independently.
        rank: the rank of the node, from 0.
        peers: the IP addresses of all nodes, in the order of their ranks.
        processes: the number of processes on each node, for torchrun; one by default.
    """
    variables = {
        "FAIRING_RANK": str(rank),
        "FAIRING_NODES": str(len(peers)),
        "FAIRING_PEERS": ",".join(peers),
    }
    special = _FRAMEWORKS[framework](rank, peers, processes or 1) if framework else Launch()
    return Launch({**variables, **special.variables}, special.arguments)


def single_process_environment(framework: str | None, port: int) -> dict[str, str]:
    """The environment of code that runs in a single process without torchrun.

    Args:
        framework: as for `launch`.
        port: a free port.
    """
    if framework != "torch":
        return {}
    ranks = {"RANK": "0", "LOCAL_RANK": "0", "GROUP_RANK": "0", "WORLD_SIZE": "1", "LOCAL_WORLD_SIZE": "1"}
    return {**ranks, "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)}


def address(peer: str, port: int) -> str:
    """An address and a port, in the form of URLs."""
    return f"[{peer}]:{port}" if ":" in peer else f"{peer}:{port}"


def _torch(rank: int, peers: Sequence[str], processes: int) -> Launch:
    """Starts torchrun, which sets RANK, WORLD_SIZE and similar variables for each process.

    Source: https://docs.pytorch.org/docs/stable/elastic/run.html
    """
    first, port = peers[0], str(PORTS["torch"])
    return Launch(
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


def _tensorflow(rank: int, peers: Sequence[str], processes: int) -> Launch:
    """Sets TF_CONFIG with workers only, whose first is the chief; unset for a single node, which needs no server.

    Source: https://www.tensorflow.org/guide/distributed_training#setting_up_the_tf_config_environment_variable
    """
    if len(peers) == 1:
        return Launch({"TF_CONFIG": None})
    workers = [address(peer, PORTS["tensorflow"]) for peer in peers]
    config = {"cluster": {"worker": workers}, "task": {"type": "worker", "index": rank}}
    return Launch({"TF_CONFIG": json.dumps(config)})


def _jax(rank: int, peers: Sequence[str], processes: int) -> Launch:
    """Sets the variables that Kubeflow's operators set.

    `jax.distributed.initialize` reads only the first variable; `fairing_kfp.distributed.jax_arguments` returns its
    arguments.

    Source: https://docs.jax.dev/en/latest/_autosummary/jax.distributed.initialize.html
    """
    return Launch(
        {
            "JAX_COORDINATOR_ADDRESS": address(peers[0], PORTS["jax"]),
            "JAX_NUM_PROCESSES": str(len(peers)),
            "JAX_PROCESS_ID": str(rank),
        }
    )


def _lightgbm(rank: int, peers: Sequence[str], processes: int) -> Launch:
    """Sets nothing: LightGBM reads parameters, which `fairing_kfp.distributed.lightgbm_parameters` returns."""
    return Launch()


_FRAMEWORKS: dict[str, Callable[[int, Sequence[str], int], Launch]] = {
    "torch": _torch,
    "tensorflow": _tensorflow,
    "jax": _jax,
    "lightgbm": _lightgbm,
}
