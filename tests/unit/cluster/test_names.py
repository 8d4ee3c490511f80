from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fairing_kfp.cluster.names import MAX_LENGTH, label_value, object_name
from fairing_kfp.cluster.owner import Owner

_LABEL = re.compile(r"[a-z]([-a-z0-9]*[a-z0-9])?")
_VALUE = re.compile(r"(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?")


@given(st.text(), st.lists(st.text()))
def test_names_are_valid_and_leave_room_for_suffixes(stem: str, identity: list[str]) -> None:
    name = object_name(stem, *identity)
    assert _LABEL.fullmatch(name)
    assert len(name) <= MAX_LENGTH
    assert object_name(stem, *identity) == name


@given(st.text(max_size=200))
def test_label_values_are_valid(text: str) -> None:
    value = label_value(text)
    assert _VALUE.fullmatch(value)
    assert len(value) <= 63
    assert value == text or not _VALUE.fullmatch(text) or len(text) > 63


def test_names_show_the_task_and_differ_by_run() -> None:
    first, other = Owner("run-1", "Train (Large)"), Owner("run-2", "Train (Large)")
    assert first.name().startswith("train-large-")
    assert first.name() != other.name()
    assert Owner("a", "bc").name("x") != Owner("ab", "c").name("x")


def test_owner_has_the_pod_that_kfp_names(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KFP_POD_NAME", "p")
    monkeypatch.setenv("KFP_POD_UID", "u")
    assert Owner.here("r", "t").references() == [{"apiVersion": "v1", "kind": "Pod", "name": "p", "uid": "u"}]
    assert Owner("r", "t").references() == []
