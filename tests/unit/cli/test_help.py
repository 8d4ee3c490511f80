"""The help of all commands at 80 columns."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator

import click
import pytest

from fairing_kfp.cli import main


def commands(command: click.Command, parent: click.Context | None = None) -> Iterator[click.Context]:
    name = command.name if parent else "fairing-kfp"
    context = click.Context(command, parent, name, terminal_width=80, **command.context_settings)
    yield context
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            child = command.get_command(context, name)
            assert child is not None
            child.name = name
            yield from commands(child, context)


COMMANDS = {context.command_path: context for context in commands(main)}


@pytest.mark.parametrize("path", COMMANDS)
def test_each_option_has_one_line(path: str) -> None:
    context = COMMANDS[path]
    lines = context.get_help().splitlines()
    options = [parameter for parameter in context.command.get_params(context) if isinstance(parameter, click.Option)]
    for option in options:
        assert option.help, option.name
        assert any(option.opts[0] in line and option.help in line for line in lines), option.help
        if "and exit" not in option.help:  # click's own
            assert option.help[0].isupper() or option.name == "builder"
            assert not option.help.endswith(".")
    assert max(map(len, lines)) <= 80


@pytest.mark.parametrize("path", COMMANDS)
def test_each_command_has_a_summary_that_a_list_of_commands_shows_in_full(path: str) -> None:
    context = COMMANDS[path]
    summary = (context.command.help or "").partition("\n")[0]

    assert summary.endswith(".")
    if context.parent:
        assert summary.removesuffix(".") in context.parent.get_help()
        assert "..." not in context.parent.get_help().partition("Commands:")[2]


@pytest.mark.parametrize(
    "path", [path for path, context in COMMANDS.items() if not isinstance(context.command, click.Group)]
)
def test_each_command_has_an_example_that_its_options_accept(path: str) -> None:
    context = COMMANDS[path]
    found = re.search(r"^  Example: (.*)$", context.get_help(), re.MULTILINE)
    assert found
    command, words = context.command, shlex.split(found[1])
    names = path.split()

    assert words[: len(names)] == names
    command.make_context(path, words[len(names) :], parent=context.parent, resilient_parsing=False)
