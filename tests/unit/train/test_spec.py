"""Specs of training steps."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fairing_kfp.errors import ConfigError
from fairing_kfp.train.spec import JobSpec

TEXTS = st.dictionaries(st.text(), st.text(), max_size=3)
SPECS = st.builds(
    JobSpec,
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


@given(SPECS)
def test_specs_survive_their_json(spec: JobSpec) -> None:
    assert JobSpec.parse(spec.text()) == spec


@given(SPECS)
def test_equal_specs_have_equal_json_on_one_line(spec: JobSpec) -> None:
    again = json.loads(spec.text())
    assert JobSpec(**dict(reversed(list(again.items())))).text() == spec.text()
    assert "\n" not in spec.text()


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
def test_invalid_values_are_rejected(options: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigError, match=words) as caught:
        JobSpec(**{"kind": "job", "name": "train", "image": "i", **options})
    assert caught.value.message.startswith("train: ")
    assert caught.value.remedy


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"kind":"job","name":"a","image":"i","colour":"red"}'])
def test_malformed_specs_are_rejected(text: str) -> None:
    with pytest.raises(ConfigError, match="cannot be parsed") as caught:
        JobSpec.parse(text)
    assert "compile" in caught.value.remedy


def test_specs_have_short_names_in_messages() -> None:
    assert JobSpec("job", "train", "i").shown == "Job"
    assert JobSpec("trainjob", "train", "i", nodes=3).shown == "TrainJob of 3 nodes"
