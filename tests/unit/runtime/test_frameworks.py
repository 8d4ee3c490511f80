from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fairing_kfp.runtime.frameworks import TORCHRUN, Launch, address, launch, single_process_environment

PEERS = ("10.0.0.7", "10.0.0.5", "10.0.0.6")
addresses = st.lists(st.ip_addresses().map(str), min_size=1, max_size=8, unique=True)


@pytest.mark.parametrize("framework", [None, "torch", "tensorflow", "jax", "lightgbm"])
@given(peers=addresses, data=st.data())
def test_every_node_knows_its_rank_and_the_others(framework: str | None, peers: list[str], data: st.DataObject) -> None:
    rank = data.draw(st.integers(0, len(peers) - 1))
    variables = launch(framework, rank, peers).variables
    assert variables["FAIRING_RANK"] == str(rank)
    assert variables["FAIRING_NODES"] == str(len(peers))
    assert str(variables["FAIRING_PEERS"]).split(",") == peers


def test_torch_is_started_by_torchrun_which_meets_at_the_first_node() -> None:
    made = launch("torch", 1, PEERS, 4)
    assert made.arguments[0] == TORCHRUN
    options = dict(option.removeprefix("--").split("=") for option in made.arguments[1:])
    assert options == {
        "nnodes": "3",
        "nproc-per-node": "4",
        "node-rank": "1",
        "rdzv-backend": "static",
        "max-restarts": "0",
        "master-addr": "10.0.0.7",
        "master-port": "29500",
    }
    assert (made.variables["MASTER_ADDR"], made.variables["MASTER_PORT"]) == ("10.0.0.7", "29500")
    assert "--nproc-per-node=1" in launch("torch", 0, PEERS).arguments


def test_what_an_operator_set_is_set_anew_or_taken_away() -> None:
    given = {"PATH": "/bin", "MASTER_ADDR": "digits-master-0", "RANK": "1", "WORLD_SIZE": "3", "TF_CONFIG": "{}"}
    told = launch("torch", 1, PEERS).environment(given)
    assert told["MASTER_ADDR"] == "10.0.0.7"
    assert told["PATH"] == "/bin"
    assert not {"RANK", "WORLD_SIZE"} & told.keys()
    assert "TF_CONFIG" not in launch("tensorflow", 0, PEERS[:1]).environment(given)
    assert given["RANK"] == "1"


@given(peers=addresses.filter(lambda found: len(found) > 1), data=st.data())
def test_tensorflow_has_a_configuration_that_names_all_workers(peers: list[str], data: st.DataObject) -> None:
    rank = data.draw(st.integers(0, len(peers) - 1))
    config = json.loads(str(launch("tensorflow", rank, peers).variables["TF_CONFIG"]))
    assert config["task"] == {"type": "worker", "index": rank}
    assert config["cluster"]["worker"][rank] == address(peers[rank], 2222)
    assert len(config["cluster"]["worker"]) == len(peers)


def test_jax_has_its_coordinator() -> None:
    variables = launch("jax", 2, PEERS).variables
    assert variables["JAX_COORDINATOR_ADDRESS"] == "10.0.0.7:8476"
    assert (variables["JAX_NUM_PROCESSES"], variables["JAX_PROCESS_ID"]) == ("3", "2")


def test_addresses_of_both_families_take_a_port() -> None:
    assert address("10.0.0.1", 80) == "10.0.0.1:80"
    assert address("fd00::1", 80) == "[fd00::1]:80"


def test_without_a_framework_nothing_is_put_before() -> None:
    assert launch(None, 0, PEERS).arguments == ()
    assert Launch().environment({"A": "b"}) == {"A": "b"}


def test_a_process_by_itself_is_the_first_of_one() -> None:
    told = single_process_environment("torch", 1234)
    assert (told["RANK"], told["WORLD_SIZE"], told["LOCAL_RANK"]) == ("0", "1", "0")
    assert (told["MASTER_ADDR"], told["MASTER_PORT"]) == ("127.0.0.1", "1234")
    assert single_process_environment("tensorflow", 1234) == single_process_environment(None, 1234) == {}
