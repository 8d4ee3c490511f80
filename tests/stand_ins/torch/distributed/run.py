"""Stands in for torchrun: it meets the other nodes, starts this node's processes, and ends with the first that fails.

It takes the options that we give, and no others; it sets the variables that torchrun sets.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import socket
import subprocess
import sys
import time
from dataclasses import dataclass


@dataclass
class Failure:
    """How a process failed."""

    exitcode: int


class ChildFailedError(Exception):
    """A process failed."""

    def __init__(self, rank: int, failure: Failure) -> None:
        super().__init__(f"rank {rank} failed")
        self._first = rank, failure

    def get_first_failure(self) -> tuple[int, Failure]:
        return self._first


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(allow_abbrev=False)
    for name in ("nnodes", "nproc-per-node", "node-rank", "master-port", "max-restarts"):
        parser.add_argument(f"--{name}", type=int, required=True)
    parser.add_argument("--rdzv-backend", choices=["static"], required=True)
    parser.add_argument("--master-addr", required=True)
    parser.add_argument("program")
    parser.add_argument("rest", nargs=argparse.REMAINDER)
    given = parser.parse_args(arguments)
    meet(given.node_rank, given.nnodes, given.master_addr, given.master_port)
    processes = {}
    for local in range(given.nproc_per_node):
        rank = given.node_rank * given.nproc_per_node + local
        variables = {
            "RANK": rank,
            "LOCAL_RANK": local,
            "GROUP_RANK": given.node_rank,
            "WORLD_SIZE": given.nnodes * given.nproc_per_node,
            "LOCAL_WORLD_SIZE": given.nproc_per_node,
            "MASTER_ADDR": given.master_addr,
            "MASTER_PORT": given.master_port,
            "TORCHELASTIC_RUN_ID": "none",
        }
        env = {**os.environ, **{name: str(value) for name, value in variables.items()}}
        processes[rank] = subprocess.Popen([sys.executable, "-u", given.program, *given.rest], env=env)
    for rank, process in processes.items():
        if code := process.wait():
            for other in processes.values():
                other.terminate()
            raise ChildFailedError(rank, Failure(code))


def meet(rank: int, nodes: int, address: str, port: int, seconds: float = 30) -> None:
    """Waits for all nodes at the first one."""
    if rank == 0:
        with socket.create_server(("", port)) as server:
            server.settimeout(seconds)
            others = [server.accept()[0] for _ in range(nodes - 1)]
            for other in others:
                other.sendall(b"go")
                other.close()
        return
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        with contextlib.suppress(ConnectionError), socket.create_connection((address, port), timeout=seconds) as met:
            assert met.recv(2) == b"go"
            return
        time.sleep(0.1)
    raise TimeoutError(f"{address}:{port} is not there")
