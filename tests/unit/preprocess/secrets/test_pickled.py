"""The strings of pickles, with their names."""

from __future__ import annotations

import dataclasses
import pickle
from typing import Any

import cloudpickle
import pytest

from fairing_kfp.preprocess.secrets.pickled import is_pickle, pickled_strings
from fairing_kfp.preprocess.secrets.scan import scan_file


def named(value: Any, protocol: int = 5) -> set[tuple[str, str]]:
    data = cloudpickle.dumps(value) if protocol == 5 else pickle.dumps(value, protocol)
    assert is_pickle(data)
    return {(name, text) for name, text in pickled_strings(data) if name}


@pytest.mark.parametrize("protocol", range(6))
def test_strings_have_their_names(protocol: int) -> None:
    value = {"a": "b", "c": 1, "d": b"e", "f": {"g": "h"}, "same": ["b", "b"]}
    assert {("a", "b"), ("d", "e"), ("g", "h"), ("same", "b")} <= named(value, protocol)


def test_names_of_sequences() -> None:
    assert named(("password", "hunter2")) == {("password", "hunter2")}
    assert named(["x", "--password", "hunter", "y"]) == {("--password", "hunter")}
    assert named(("password", "token")) == set()
    assert named(("password", "hunter2", "z3")) == set()


def test_a_name_that_the_pickle_wrote_before() -> None:
    name = "password"
    assert (name, "hunter2") in named([name, {name: "hunter2"}])


def test_classes_with_fields_of_such_names() -> None:
    @dataclasses.dataclass
    class Login:
        user: str
        password: str
        api_token: str = ""

        def check(self, token: str) -> bool:
            return self.password == token

    def found(value: Any) -> list[str]:
        return [one.value for one in scan_file("it", "it.pkl", cloudpickle.dumps(value))]

    assert found(Login) == []
    assert found(Login("me", "<password>")) == []
    assert found(Login("me", "hunter2")) == ["hunter2"]


def test_other_and_damaged_data() -> None:
    assert not is_pickle(b"text")
    assert not is_pickle(b"")
    data = pickle.dumps({"a": "b", "c": "d"})
    for end in range(len(data)):
        assert {text for _, text in pickled_strings(data[:end])} <= set("abcd")
