"""Values as words of a command line, read by the parsers themselves."""

from __future__ import annotations

import argparse
import json
from typing import Any

import click
import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

from fairing_kfp.preprocess.arguments.inputs import inputs_of
from fairing_kfp.preprocess.arguments.read import read_arguments
from fairing_kfp.runtime.command_line import LITERAL, CommandLine, Spelling

_TEXT = st.text(st.characters(blacklist_categories=("Cs", "Cc")), max_size=8) | st.sampled_from(
    ["-", "--", "-1", "=", ""]
)
_NUMBERS = st.floats(allow_nan=False, allow_infinity=False)

ARGPARSE = """
import argparse, json
def make():
    parser = argparse.ArgumentParser(allow_abbrev=False)
    parser.add_argument("place")
    parser.add_argument("rest", nargs="*")
    parser.add_argument("--text", default="none")
    parser.add_argument("-s", default="short")
    parser.add_argument("--count", type=int, default=3)
    parser.add_argument("--rate", type=float, default=0.5)
    parser.add_argument("--yes", action="store_true")
    parser.add_argument("--both", action=argparse.BooleanOptionalAction, default=True)
    parser.add_argument("--no-cache", dest="cache", action="store_false")
    parser.add_argument("--filled", type=bool, default=False)
    parser.add_argument("--settings", type=json.loads, default="{}")
    parser.add_argument("--again", action="append")
    return parser
"""

CLICK = """
import click
import pytest
@click.command()
@click.option("--text", default="none")
@click.option("--count", default=3)
@click.option("--yes/--no", default=False)
@click.option("--again", multiple=True)
@click.argument("place")
def main(**values):
    found.update(values)
"""


_FEW = settings(max_examples=60, deadline=None)
_TEXT_FOR_ARGPARSE = _TEXT.filter(lambda text: text != "--")  # it drops that one, even in --text=--


def line(text: str) -> CommandLine:
    return inputs_of(read_arguments(text, "script.py"), {}, "script.py").line


_ARGPARSE_LINE, _CLICK_LINE = line(ARGPARSE), line(CLICK)


@_FEW
@given(
    st.fixed_dictionaries(
        {
            "place": _TEXT_FOR_ARGPARSE,
            "rest": st.lists(_TEXT_FOR_ARGPARSE, max_size=3),
            "text": _TEXT_FOR_ARGPARSE,
            "s": _TEXT_FOR_ARGPARSE.filter(lambda text: not text.startswith("=")),
            "count": st.integers(),
            "rate": _NUMBERS,
            "yes": st.booleans(),
            "both": st.booleans(),
            "cache": st.booleans(),
            "filled": st.booleans(),
            "settings": st.dictionaries(_TEXT, _TEXT | st.booleans() | st.integers(-1000, 1000), max_size=3),
            "again": st.lists(_TEXT_FOR_ARGPARSE, min_size=1, max_size=3),
        }
    )
)
def test_argparse_reads_what_is_written(values: dict[str, Any]) -> None:
    space: dict[str, Any] = {}
    exec(ARGPARSE, space)

    assert vars(space["make"]().parse_args(_ARGPARSE_LINE.words(values))) == values


@_FEW
@given(
    st.fixed_dictionaries(
        {
            "place": _TEXT,
            "text": _TEXT,
            "count": st.integers(),
            "yes": st.booleans(),
            "again": st.lists(_TEXT, max_size=3),
        }
    )
)
def test_click_reads_what_is_written(values: dict[str, Any]) -> None:
    space: dict[str, Any] = {"found": {}, "click": click}
    exec(CLICK, space)
    done = CliRunner().invoke(space["main"], _CLICK_LINE.words(values))

    assert done.exit_code == 0, done.output
    assert {**space["found"], "again": list(space["found"]["again"])} == values


@_FEW
@given(
    _TEXT | st.booleans() | st.integers() | _NUMBERS | st.lists(_TEXT | st.booleans()) | st.dictionaries(_TEXT, _TEXT)
)
def test_literals_are_read_as_python_reads_them(value: Any) -> None:
    import ast

    (word,) = Spelling("--x", LITERAL).words(value)

    assert ast.literal_eval(word.removeprefix("--x=")) == value


def test_whole_numbers_inside_of_values_are_whole() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--settings", type=json.loads)
    (word,) = Spelling("--settings").words({"a": 1.0, "b": [2.0, 2.5]})

    assert json.dumps(parser.parse_args([word]).settings) == '{"a": 1, "b": [2, 2.5]}'


LISTS = """
import argparse
parser = argparse.ArgumentParser()
parser.add_argument("--model", default="mine")
parser.add_argument("--tags", nargs="+")
parser.add_argument("--sizes", nargs="+", type=float)
parser.parse_args()
"""


@pytest.mark.parametrize("items", [["--model=EVIL"], ["a", "--model", "EVIL"], ["-m"], ["--"]])
def test_an_item_of_a_list_cannot_become_an_option(items: list[str]) -> None:
    with pytest.raises(ValueError, match="--tags starts with a dash, and would be parsed as an option"):
        line(LISTS).words({"tags": items})


def test_numbers_and_single_dashes_are_items() -> None:
    assert line(LISTS).words({"sizes": [-1, 0.5], "tags": ["-"]}) == ["--tags", "-", "--sizes", "-1", "0.5"]
