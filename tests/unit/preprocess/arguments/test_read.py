"""Arguments of scripts, read from their source."""

from __future__ import annotations

import textwrap
from typing import Any

import pytest

from fairing_kfp.errors import ComponentError
from fairing_kfp.preprocess.arguments.argument import Argument, ScriptArguments
from fairing_kfp.preprocess.arguments.read import read_arguments


def read(text: str, command: str = "") -> ScriptArguments:
    return read_arguments(textwrap.dedent(text), "train.py", command)


def parser_with(*lines: str) -> ScriptArguments:
    """The arguments of a parser with these lines."""
    return read(
        "import argparse, json\nfrom pathlib import Path\nparser = argparse.ArgumentParser()\n"
        + "".join(f"parser.add_argument({line})\n" for line in lines)
    )


def brief(argument: Argument) -> tuple[Any, ...]:
    return argument.name, argument.kind.__name__, argument.required, argument.default


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ('"scans"', ("scans", "str", True, None)),
        ('"scans", nargs="?", default="here"', ("scans", "str", False, "here")),
        ('"scans", nargs="*"', ("scans", "list", False, None)),
        ('"max-depth", type=int', ("max_depth", "int", True, None)),
        ('"--depth", type=int, default=8', ("depth", "int", False, 8)),
        ('"-d", "--max-depth", type=int', ("max_depth", "int", False, None)),
        ('"-d", type=int, required=True', ("d", "int", True, None)),
        ('"--depth", dest="how_deep", type=int', ("how_deep", "int", False, None)),
        ('"--rate", type=float, default=1', ("rate", "float", False, 1.0)),
        ('"--rate", default=1e-3', ("rate", "float", False, 1e-3)),
        ('"--kind", choices=["a", "b"]', ("kind", "str", False, None)),
        ('"--size", choices=[1, 2], default=2', ("size", "int", False, 2)),
        ('"--folder", type=Path, default=Path("out")', ("folder", "str", False, "out")),
        ('"--file", type=argparse.FileType("r")', ("file", "str", False, None)),
        ('"--settings", type=json.loads', ("settings", "dict", False, None)),
        ('"--points", type=json.loads, default="[1]"', ("points", "list", False, [1])),
        ('"--quick", action="store_true"', ("quick", "bool", False, False)),
        ('"--no-cache", dest="cache", action="store_false"', ("cache", "bool", False, True)),
        ('"--b", action=argparse.BooleanOptionalAction', ("b", "bool", False, None)),
        ('"-v", action="count"', ("v", "int", False, None)),
        ('"--tag", action="append"', ("tag", "list", False, None)),
        ('"--tag", action="append", default=["a"]', ("tag", "list", False, None)),
        ('"--sizes", nargs=2, type=int, default=(1, 2)', ("sizes", "list", False, [1, 2])),
        ('"--strict", type=bool, default=False', ("strict", "bool", False, False)),
        ('"--workers", type=int, default=cores()', ("workers", "int", False, None)),
        ('"--unset", type=int, default=argparse.SUPPRESS', ("unset", "int", False, None)),
        ('"--minutes", type=int, default=24 * 60', ("minutes", "int", False, 1440)),
        ('"--lambda", type=float', ("lambda_", "float", False, None)),
        ('"--2d", action="store_true"', ("n2d", "bool", False, False)),
        ('"--depth", type=int, default="8"', ("depth", "int", False, None)),
    ],
)
def test_argparse(line: str, expected: tuple[Any, ...]) -> None:
    reading = parser_with(line)

    assert [brief(argument) for argument in reading.arguments] == [expected]
    assert not reading.unread


def test_help_choices_and_the_order_are_kept() -> None:
    reading = parser_with(
        '"b", help="100%% of\\n  it"', '"--a", choices=["x", "y"], help="one"', '"-h2", action="help"'
    )

    assert [(a.name, a.help, a.line) for a in reading.arguments] == [("b", "100% of it", 4), ("a", "one", 5)]
    assert reading.arguments[1].choices == ("x", "y")


@pytest.mark.parametrize(
    ("line", "required"),
    [
        ("*names, type=int", False),
        ('f"--{name}", required=True', True),
        ('"--depth", **options', False),
        ('"--depth", action=Deepen', False),
        ('"--depth", nargs=many()', False),
    ],
)
def test_computed_arguments_are_reported_with_their_line(line: str, required: bool) -> None:
    reading = parser_with('"--rate", type=float', line)

    assert [argument.name for argument in reading.arguments] == ["rate"]
    assert [(unread.line, unread.required) for unread in reading.unread] == [(5, required)]


def test_parents_groups_and_passed_parsers_are_merged() -> None:
    reading = read("""
        from argparse import ArgumentParser
        def add(p): p.add_argument("--seed", type=int, default=1)
        def make():
            base = ArgumentParser(add_help=False)
            base.add_argument("--host")
            parser = ArgumentParser(parents=[base])
            group = parser.add_argument_group("learning")
            one_of = group.add_mutually_exclusive_group()
            one_of.add_argument("--steps", type=int)
            add(parser)
            parser.set_defaults(seed=2)
    """)

    assert sorted(brief(a) for a in reading.arguments) == [
        ("host", "str", False, None),
        ("seed", "int", False, 2),
        ("steps", "int", False, None),
    ]


SUBCOMMANDS = """
import argparse
def add_limit(it): it.add_argument("--limit", type=float)
common = argparse.ArgumentParser(add_help=False)
common.add_argument("--seed", type=int)
parser = argparse.ArgumentParser()
parser.add_argument("--debug", action="store_true")
commands = parser.add_subparsers()
train = commands.add_parser("train", parents=[common])
train.add_argument("--depth", type=int)
judge = commands.add_parser("judge")
add_limit(judge)
commands.add_parser("show").add_argument("model")
"""


def test_sub_command_has_its_own_arguments_after_those_of_all() -> None:
    train, judge, show = (read(SUBCOMMANDS, name) for name in ("train", "judge", "show"))

    assert [a.name for a in train.arguments] == ["debug"]
    assert [a.name for a in train.command_arguments] == ["seed", "depth"]
    assert [a.name for a in judge.command_arguments] == ["limit"]
    assert [a.name for a in show.command_arguments] == ["model"]


def test_an_unknown_sub_command_is_rejected_and_known_ones_are_listed() -> None:
    with pytest.raises(ComponentError, match=r"no sub-command 'trian'\n.*train, judge, show"):
        read(SUBCOMMANDS, "trian")
    with pytest.raises(ComponentError, match="omit command="):
        read("print()", "train")


def test_the_click_command_that_the_file_calls_is_read() -> None:
    reading = read("""
        import click
        @click.command()
        @click.option("--one")
        def one(one): ...
        @click.command()
        @click.option("--two", type=int, default=2)
        def two(two): ...
        if __name__ == "__main__":
            two()
    """)

    assert [brief(a) for a in reading.arguments] == [("two", "int", False, 2)]


def test_shared_options_of_click_commands_are_read() -> None:
    reading = read("""
        import click
        def shared(function):
            return click.option("--seed", type=int)(function)
        @click.command("learn")
        @shared
        @click.option("--prompted", prompt=True)
        @click.option("--one", flag_value="1")
        def learn(**options): ...
    """)

    assert [brief(a) for a in reading.arguments] == [("seed", "int", False, None), ("prompted", "str", True, None)]
    assert [unread.line for unread in reading.unread] == [8]


def test_typer_reads_hints_of_every_form() -> None:
    reading = read("""
        from typing import Annotated, List, Literal, Optional, Union
        import typer
        def main(
            context: typer.Context,
            scans: str,
            more: Annotated[Optional[List[int]], typer.Argument()] = None,
            rate: "float" = 0.5,
            kind: Literal["a", "b"] = "a",
            limit: int | None = None,
            seed: Union[int, None] = typer.Option(None, "-s"),
            made: int = typer.Option(default_factory=int),
        ): ...
        typer.run(main)
    """)

    assert [(*brief(a), a.spelling.flag) for a in reading.arguments] == [
        ("scans", "str", True, None, ""),
        ("more", "list", False, None, ""),
        ("rate", "float", False, 0.5, "--rate"),
        ("kind", "str", False, "a", "--kind"),
        ("limit", "int", False, None, "--limit"),
        ("seed", "int", False, None, "-s"),
        ("made", "int", False, None, "--made"),
    ]


@pytest.mark.parametrize("given", ["", "{'train': train}", "component={'train': train}"])
def test_fire_with_several_functions(given: str) -> None:
    text = f"import fire\ndef train(depth=8, *rest, rate: float): ...\nfire.Fire({given})\n"

    assert read(text).commands == ("train",)
    reading = read(text, "train")
    assert [brief(a) for a in reading.command_arguments] == [("depth", "int", False, 8), ("rate", "float", True, None)]
    assert [unread.what for unread in reading.unread] == ["*rest of train"]


def test_script_without_arguments_has_none() -> None:
    assert read("print(1)") == ScriptArguments(dashes=False, accepts_more=True)


@pytest.mark.parametrize(
    ("text", "what"),
    [("import sys\nprint(sys.argv[1])", "sys.argv, which"), ("from absl import flags", "the command line, which absl")],
)
def test_other_parsers_are_reported(text: str, what: str) -> None:
    assert [unread.what[: len(what)] for unread in read(text).unread] == [what]


def test_syntax_errors_are_reported_with_their_line() -> None:
    with pytest.raises(ComponentError, match=r"train\.py, line 2 is not valid Python"):
        read("print(1)\nprint(\n")


def test_the_script_does_not_run() -> None:
    read("import argparse\nraise SystemExit('it ran')\n")
