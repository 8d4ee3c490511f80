"""Read and declared arguments as inputs and outputs of a component."""

from __future__ import annotations

import inspect
import typing
from typing import Any

import pytest
from kfp import dsl

from fairing_kfp.errors import ComponentError
from fairing_kfp.preprocess.arguments.inputs import Inputs, inputs_of
from fairing_kfp.preprocess.arguments.read import read_arguments

_OPTIONAL: Any = typing.Optional
SCRIPT = """
import argparse
parser = argparse.ArgumentParser()
parser.add_argument("scans", help="the scans")
parser.add_argument("--depth", type=int, default=8, help="how deep")
parser.add_argument("--quick", action="store_true")
parser.add_argument("--tags", nargs="*")
parser.add_argument("--model", required=True)
"""


def inputs(declared: dict[str, Any], text: str = SCRIPT, command: str = "") -> Inputs:
    return inputs_of(read_arguments(text, "train.py", command), declared, "train.py")


def signature(made: Inputs) -> dict[str, tuple[Any, Any]]:
    return {parameter.name: (parameter.annotation, parameter.default) for parameter in made.parameters}


def test_read_arguments_become_inputs() -> None:
    made = inputs({})

    assert signature(made) == {
        "scans": (str, inspect.Parameter.empty),
        "depth": (int, 8),
        "quick": (bool, False),
        "tags": (_OPTIONAL[list], None),
        "model": (str, inspect.Parameter.empty),
    }
    assert made.doc == "    scans: the scans\n    depth: how deep"
    assert not made.outputs


def test_declarations_override_read_arguments() -> None:
    made = inputs(
        {
            "scans": dsl.Input[dsl.Dataset],
            "depth": 12,
            "--quick": dsl.OutputPath(float),
            "--tags": dsl.Input[list[dsl.Model]],
            "--model": dsl.Output[dsl.Model],
        }
    )

    assert signature(made)["depth"] == (int, 12)
    assert made.outputs == (("quick", "--quick", "NUMBER_DOUBLE"), ("model", "--model", ""))
    artifact = dsl.Model(uri="/a/b")
    values = {"scans": artifact, "depth": 12, "quick": "/q", "tags": [artifact, artifact], "model": artifact}
    assert made.line.words(values) == ["--tags", "/a/b", "/a/b", "--depth=12", "--quick=/q", "--model=/a/b", "/a/b"]


def test_a_value_equal_to_the_scripts_default_is_not_passed() -> None:
    made = inputs({"--depth": 12})

    assert made.line.words({"scans": "s", "depth": 8, "model": "m"}) == ["--model=m", "s"]


def test_unreadable_scripts_have_the_declared_arguments() -> None:
    declared = {"first": str, "--depth": 8, "--fast": bool, "--names": list, "--none": _OPTIONAL[int]}
    made = inputs(declared, "import sys\nprint(sys.argv)")

    words = made.line.words({"first": "-1", "depth": 4, "fast": True, "names": ["a", "b"]})
    assert words == ["--names", "a", "b", "--depth", "4", "--fast", "-1"]
    assert signature(made)["none"] == (_OPTIONAL[int], None)
    assert not made.warnings


@pytest.mark.parametrize(
    ("declared", "text", "expected"),
    [
        ({"--dept": int}, SCRIPT, r"no argument '--dept'\n.*use one of scans, --depth, --quick, --tags, --model"),
        ({"--depth": "deep"}, SCRIPT, r"gives --depth the default 'deep', but its type is int"),
        ({}, SCRIPT + "parser.add_argument(f'--{x}', required=True)", r"train.py, line 9: .*arguments=\{"),
        (
            {},
            SCRIPT + "s = parser.add_subparsers(required=True); s.add_parser('a'); s.add_parser('b')",
            r'a, b\n.*command="a"',
        ),
        ({"--a-b": 1, "--a_b": 2}, "", "two arguments for the input 'a_b'"),
    ],
)
def test_invalid_declarations_are_rejected(declared: dict[str, Any], text: str, expected: str) -> None:
    with pytest.raises(ComponentError, match=f"(?s){expected}"):
        inputs(declared, text)


def test_unread_arguments_are_a_warning() -> None:
    made = inputs({}, SCRIPT + "parser.add_argument(f'--{x}')")

    assert "train.py, line 9" in made.warnings[0]
