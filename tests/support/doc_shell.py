"""Checks commands of the documentation without running them: by the command line's parser, or the files they name."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable

import click
from packaging.requirements import Requirement

from fairing_kfp.cli import main
from tests.support.paths import TOP

_INNER = re.compile(r"[$<]\(([^()]+)\)")
_TO_FILE = re.compile(r" >>? ?\S+")
_SEPARATORS = {"|", "&&", "||", ";"}
_MAKEFILE = (TOP / "Makefile").read_text("utf-8")


def commands_of(text: str) -> list[list[str]]:
    """The commands of a block, as words: without comments, prompts and options of the shell."""
    found: list[list[str]] = []
    text = _TO_FILE.sub("", text.replace("\\\n", " "))
    for line in (*_INNER.findall(text), *_INNER.sub("WORDS", text).splitlines()):
        lexer = shlex.shlex(line.removeprefix("$ "), posix=True, punctuation_chars="|&;")
        lexer.whitespace_split = True
        command: list[str] = []
        for word in [*lexer, ";"]:
            if word not in _SEPARATORS:
                command.append(word)
            elif command:
                found.append(command)
                command = []
    return found


def check_command(words: list[str]) -> None:
    """Checks a command.

    Raises:
        click.UsageError: fairing-kfp refuses it.
        AssertionError: it is not a known program, or names what does not exist.
    """
    program, *arguments = words
    assert program in _CHECKS, f"{program!r} is not checked: add it to {__name__}, or say why the block is not run"
    _CHECKS[program](arguments)


def _fairing_kfp(arguments: list[str]) -> None:
    command: click.Command = main
    context: click.Context | None = None
    name: str | None = "fairing-kfp"
    try:
        while isinstance(command, click.Group):
            context = click.Context(command, parent=context, info_name=name, **command.context_settings)
            name, found, arguments = command.resolve_command(context, arguments)
            assert found
            command = found
        command.make_context(name, arguments, parent=context)
    except click.exceptions.Exit:  # of --help
        return


def _make(arguments: list[str]) -> None:
    targets = set(re.findall(r"^([a-z-]+):", _MAKEFILE, re.MULTILINE))
    variables = set(re.findall(r"^([A-Z]+) \?=", _MAKEFILE, re.MULTILINE))
    for one in arguments:
        name, equals, _ = one.partition("=")
        assert name in (variables if equals else targets), f"the Makefile has no {name}"


def _pip(arguments: list[str]) -> None:
    assert arguments[0] in ("install", "wheel")
    extras = set(re.findall(r"^(\w+) = \[", (TOP / "pyproject.toml").read_text("utf-8"), re.MULTILINE))
    for one in arguments[1:]:
        if one.startswith("fairing-kfp") and "git+" not in one:
            assert Requirement(one).extras <= extras, f"pyproject.toml has no extra of {one}"


def _kubectl(arguments: list[str]) -> None:
    """The files of the checkout that are named."""
    for one in arguments:
        if one.startswith("components/"):
            assert (TOP / one).exists(), f"{one} does not exist"


def _nothing(arguments: list[str]) -> None:
    """Programs whose options are theirs."""


_CHECKS: dict[str, Callable[[list[str]], None]] = {
    "fairing-kfp": _fairing_kfp,
    ".venv/bin/fairing-kfp": _fairing_kfp,
    "make": _make,
    "pip": _pip,
    "kubectl": _kubectl,
    "sed": _kubectl,
    **dict.fromkeys(("cd", "cosign", "docker", "echo", "jq", "jupyter"), _nothing),
}
