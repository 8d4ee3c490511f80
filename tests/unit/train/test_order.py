"""What a train step is told, from the pipeline to the step."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fairing_kfp.errors import ConfigError
from fairing_kfp.train.order import Order

TEXTS = st.dictionaries(st.text(), st.text(), max_size=3)
ORDERS = st.builds(
    Order,
    kind=st.sampled_from(["job", "trainjob", "pytorchjob", "tfjob"]),
    name=st.text(),
    image=st.text(),
    nodes=st.integers(1, 99),
    processes=st.none() | st.integers(1, 9),
    framework=st.sampled_from([None, "torch", "tensorflow", "jax", "lightgbm"]),
    pod=TEXTS,
    labels=TEXTS,
    annotations=TEXTS,
    deadline=st.none() | st.integers(1, 9),
    retries=st.integers(0, 9),
    start_within=st.integers(1, 9),
    logs=st.sampled_from(["first", "all"]),
    runtime=st.text(),
)


@given(ORDERS)
def test_it_is_read_as_it_was_written(order: Order) -> None:
    assert Order.parse(order.text()) == order


@given(ORDERS)
def test_it_is_one_text_that_templates_do_not_touch(order: Order) -> None:
    again = json.loads(order.text())
    assert Order(**dict(reversed(list(again.items())))).text() == order.text()
    assert "\n" not in order.text()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"kind": "mpijob"}, r"kind='mpijob'.*"),
        ({"logs": "none"}, "logs='none'"),
        ({"framework": "mpi"}, "framework='mpi'"),
        ({"nodes": 0}, "nodes=0 of its Job"),
        ({"nodes": "2"}, "nodes='2'"),
        ({"nodes": True}, "nodes=True"),
        ({"nodes": 1.5}, r"nodes=1\.5"),
        ({"nodes": None}, "nodes=None"),
        ({"processes": 0}, "processes=0"),
        ({"deadline": 0}, "deadline=0"),
        ({"retries": -1}, "retries=-1"),
        ({"start_within": 0}, "start_within=0"),
    ],
)
def test_what_no_cluster_could_run_is_refused(options: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigError, match=words) as caught:
        Order(**{"kind": "job", "name": "train", "image": "i", **options})
    assert caught.value.message.startswith("train: ")
    assert caught.value.remedy


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"kind":"job","name":"a","image":"i","colour":"red"}'])
def test_what_is_no_order_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="cannot be read") as caught:
        Order.parse(text)
    assert "compile" in caught.value.remedy


def test_it_is_shown_in_few_words() -> None:
    assert Order("job", "train", "i").shown == "Job"
    assert Order("trainjob", "train", "i", nodes=3).shown == "TrainJob of 3 nodes"
