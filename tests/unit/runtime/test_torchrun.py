"""Nodes whose processes are started by torchrun, or what stands in for it, from unpacked layers."""

from __future__ import annotations

import json
import os
import socket
import subprocess
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from fairing_kfp.cache.store import Cache
from fairing_kfp.layers.files import layer_of_files
from fairing_kfp.local.root import bare_python, root_digest, unpack_root
from fairing_kfp.preprocess.function import FunctionSource
from fairing_kfp.preprocess.image_paths import DEPENDENCIES
from fairing_kfp.recipe.runtime_layer import runtime_files
from fairing_kfp.runtime.frameworks import launch
from tests.support.paths import TESTS

STAND_INS = TESTS / "stand_ins"


def learn(how: str) -> list[str]:
    import os
    import signal

    from fairing_kfp import distributed

    rank = os.environ["RANK"]
    os.write(1, f"process {rank} of {os.environ['WORLD_SIZE']}\n".encode())  # in one piece, as two write at once
    if how == "fail" and rank == "1":
        raise SystemExit(7)
    if how == "die" and rank == "1":
        os.kill(os.getpid(), signal.SIGKILL)
    return [rank, str(distributed.rank()), str(distributed.nodes()), *distributed.shard(["a", "b", "c", "d"])]


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Cache:
    return Cache(tmp_path_factory.mktemp("torchrun"))


def unpacked(cache: Cache, trees: Mapping[str, Path]) -> Path:
    packed = FunctionSource(learn, {"how": str, "return": list}).bundle("learn")
    layers = [layer_of_files("runtime", runtime_files()), layer_of_files("code", packed.files)]
    return unpack_root(layers, trees, root_digest(layers, str(trees), {}), cache)


@pytest.fixture(scope="module")
def root(cache: Cache) -> Path:
    """A step whose packages have torch."""
    return unpacked(cache, {DEPENDENCIES: STAND_INS})


@pytest.fixture(scope="module")
def bare_root(cache: Cache) -> Path:
    """A step without packages."""
    return unpacked(cache, {})


def start(root: Path, cache: Cache, folder: Path, rank: int, port: int, how: str = "", nodes: int = 2) -> Any:
    """Starts a node as the agent of a pod does."""
    made = launch("torch", rank, ["127.0.0.1"] * nodes, 2)
    made = replace(made, arguments=tuple(one.replace("29500", str(port)) for one in made.arguments))
    given = {
        "inputs": {"parameterValues": {"how": how}},
        "outputs": {
            "parameters": {"Output": {"outputFile": str(folder / str(rank) / "Output")}},
            "outputFile": str(folder / str(rank) / "output.json"),
        },
    }
    python, step = str(bare_python(cache)), str(root / "runtime" / "step.py")
    env = {"PATH": os.environ["PATH"], "HOME": str(folder), "RANK": "9", "TMPDIR": str(folder)}
    return subprocess.Popen(
        [python, step, *made.arguments, step, "--executor_input", json.dumps(given)],
        env=made.environment(env),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_processes_of_two_nodes_meet_and_the_first_gives_the_outputs(root: Path, cache: Cache, tmp_path: Path) -> None:
    port = free_port()
    nodes = [start(root, cache, tmp_path, rank, port) for rank in (1, 0)]
    logs = [node.communicate(timeout=600)[0] for node in nodes]
    assert [node.returncode for node in nodes] == [0, 0], logs
    seen = sorted(line for log in logs for line in log.splitlines() if line.startswith("process"))
    assert seen == [f"process {rank} of 4" for rank in range(4)]
    for rank, expected in ((0, ["0", "0", "2", "a"]), (1, ["2", "1", "2", "c"])):
        made = json.loads((tmp_path / str(rank) / "output.json").read_text())
        assert made["parameterValues"]["Output"] == expected


@pytest.mark.parametrize(("how", "code", "said"), [("fail", 7, "7"), ("die", 137, "-9")])
def test_a_process_that_fails_gives_its_exit_code(
    root: Path, cache: Cache, tmp_path: Path, how: str, code: int, said: str
) -> None:
    node = start(root, cache, tmp_path, 0, free_port(), how, nodes=1)
    log, _ = node.communicate(timeout=600)
    assert node.returncode == code, log
    assert f"process 1 of torchrun ended with exit code {said}" in log
    assert "Traceback" not in log


def test_without_torch_says_what_to_do(bare_root: Path, cache: Cache, tmp_path: Path) -> None:
    node = start(bare_root, cache, tmp_path, 0, free_port(), nodes=1)
    log, _ = node.communicate(timeout=600)
    assert node.returncode == 1
    assert "the step 'learn' needs torchrun, but torch cannot be imported" in log
    assert "packages=" in log
