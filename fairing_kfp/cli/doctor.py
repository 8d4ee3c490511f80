"""`fairing-kfp doctor`."""

from __future__ import annotations

import dataclasses
import json
import sys
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
    screen.print(f"{_MARKS[finding.state]} {finding.name.ljust(_WIDTH)}  {escape(finding.detail)}")
    if finding.remedy:
        screen.print(f"{' ' * (_WIDTH + 4)}→ {escape(finding.remedy)}")
