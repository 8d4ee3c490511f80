"""Hook of MkDocs: the page on the command line has the help of each command."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import click

from fairing_kfp.cli import main

_PAGE = "reference/command-line.md"


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """Appends the help to the page."""
    if page.file.src_uri != _PAGE:
        return markdown
    return "\n".join(
        [markdown, *(f"## {path}\n\n```text\n{text}\n```\n" for path, text in _helps(main, "fairing-kfp", None))]
    )


def _helps(command: click.Command, name: str, parent: click.Context | None) -> Iterator[tuple[str, str]]:
    context = click.Context(command, parent, name, terminal_width=78, **command.context_settings)
    yield context.command_path, context.get_help()
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            child = command.get_command(context, name)
            if child is not None:
                yield from _helps(child, name, context)
