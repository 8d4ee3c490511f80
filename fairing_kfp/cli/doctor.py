"""`fairing-kfp doctor`."""

from __future__ import annotations

import dataclasses
import json
import sys
import textwrap
from typing import TYPE_CHECKING, Any

import click
from rich.markup import escape

from fairing_kfp.cli.exit_codes import UNAVAILABLE
from fairing_kfp.cli.options import host_options, image_options
from fairing_kfp.display.terminal import console

if TYPE_CHECKING:
    from rich.console import Console

    from fairing_kfp.doctor.check import Finding

_MARKS = {"ok": "[green]✔[/]", "failed": "[red]✘[/]", "absent": "[dim]\N{EN DASH}[/]"}
_WIDTH = 18
_INDENT = " " * (_WIDTH + 4)
_NARROWEST = 20  # characters of a line of details


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON")
@host_options
@image_options
def command(as_json: bool, token_file: str | None, **settings: Any) -> None:
    """Check what commands need, and say what to do.

    Checks Python, kfp, the cache, the registry and a push to it, the base
    image, Docker, Kubernetes, roles and Kubeflow Pipelines. Changes nothing.
    Marks: ✔ works; ✘ does not work, and the settings require it; a dash: does
    not work, and only some features need it. Exits with 3 if there is a ✘.

    \b
    Example: fairing-kfp doctor --registry registry.example.com/me
    """
    from fairing_kfp.cache.store import Cache
    from fairing_kfp.doctor.check import Setup
    from fairing_kfp.doctor.checks import examine
    from fairing_kfp.settings import Settings

    screen, findings = console(as_json), []
    for finding in examine(Setup(Settings.load(**settings), Cache(), token_file)):
        findings.append(finding)
        _print(finding, screen)
    if as_json:
        click.echo(json.dumps([dataclasses.asdict(finding) for finding in findings], indent=2, ensure_ascii=False))
    if any(finding.state == "failed" for finding in findings):
        sys.exit(UNAVAILABLE)


def _print(finding: Finding, screen: Console) -> None:
    """Prints a finding; in a terminal, long lines end between words, and the next ones are indented."""
    name = finding.name.ljust(_WIDTH)
    screen.print(f"{_MARKS[finding.state]} {name}  {escape(_wrapped(finding.detail, screen, 0))}")
    if finding.remedy:
        screen.print(f"{_INDENT}→ {escape(_wrapped(finding.remedy, screen, 2))}")


def _wrapped(text: str, screen: Console, more: int) -> str:
    """The text, with line breaks and the indent of the details if a terminal is too narrow for it.

    Args:
        text: the text.
        screen: the terminal.
        more: number of further characters before the text.
    """
    width = screen.width - len(_INDENT) - more
    if not screen.is_terminal or width < _NARROWEST:
        return text
    lines = textwrap.wrap(text, width, break_long_words=False, break_on_hyphens=False)
    return f"\n{_INDENT}{' ' * more}".join(lines) or text
