from __future__ import annotations

import numpy
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fairing_kfp import distributed
from fairing_kfp.runtime import frameworks
from fairing_kfp.runtime.frameworks import launch


@pytest.fixture(autouse=True)
def alone(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("FAIRING_RANK", "FAIRING_NODES", "FAIRING_PEERS", "TORCHELASTIC_RUN_ID", "RANK", "WORLD_SIZE"):
        monkeypatch.delenv(name, raising=False)


def on_node(monkeypatch: pytest.MonkeyPatch, rank: int, *peers: str) -> None:
    for name, value in launch("lightgbm", rank, peers).variables.items():
        monkeypatch.setenv(name, str(value))


def test_outside_of_a_job_it_is_the_first_of_one() -> None:
    assert (distributed.rank(), distributed.nodes(), distributed.peers()) == (0, 1, ("127.0.0.1",))
    assert distributed.shard([1, 2, 3]) == [1, 2, 3]
    assert distributed.lightgbm_parameters() == {}


@given(st.lists(st.integers()), st.integers(1, 5))
def test_the_shares_of_all_nodes_are_the_whole(items: list[int], nodes: int) -> None:
    shares = []
    with pytest.MonkeyPatch.context() as patch:
        for rank in range(nodes):
            on_node(patch, rank, *(f"10.0.0.{number}" for number in range(nodes)))
            shares.append(distributed.shard(items))
    assert sorted(item for share in shares for item in share) == sorted(items)
    assert max(map(len, shares)) - min(map(len, shares)) <= 1


def test_arrays_have_shares(monkeypatch: pytest.MonkeyPatch) -> None:
    on_node(monkeypatch, 1, "a", "b")
    assert distributed.shard(numpy.arange(10).reshape(5, 2)).tolist() == [[2, 3], [6, 7]]


def test_processes_of_torchrun_have_a_share_each(monkeypatch: pytest.MonkeyPatch) -> None:
    on_node(monkeypatch, 1, "a", "b")
    for name, value in {"TORCHELASTIC_RUN_ID": "none", "RANK": "3", "WORLD_SIZE": "4"}.items():
        monkeypatch.setenv(name, value)
    assert distributed.shard(list(range(8))) == [3, 7]


def test_lightgbm_is_told_of_all_machines(monkeypatch: pytest.MonkeyPatch) -> None:
    on_node(monkeypatch, 1, "10.0.0.7", "10.0.0.5")
    assert distributed.lightgbm_parameters() == {
        "machines": "10.0.0.7:12400,10.0.0.5:12400",
        "num_machines": 2,
        "local_listen_port": 12400,
        "tree_learner": "data",
        "pre_partition": True,
    }
    assert distributed.lightgbm_parameters("feature")["pre_partition"] is False


def test_jax_is_told_by_arguments(monkeypatch: pytest.MonkeyPatch) -> None:
    on_node(monkeypatch, 1, "fd00::7", "fd00::5")
    arguments = distributed.jax_arguments()
    assert arguments["coordinator_address"] == "[fd00::7]:8476"
    assert (arguments["num_processes"], arguments["process_id"]) == (2, 1)


def test_ports_are_the_same_as_the_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    on_node(monkeypatch, 0, "a", "b")
    assert distributed.lightgbm_parameters()["local_listen_port"] == frameworks.PORTS["lightgbm"]
    assert distributed.jax_arguments()["coordinator_address"] == f"a:{frameworks.PORTS['jax']}"
