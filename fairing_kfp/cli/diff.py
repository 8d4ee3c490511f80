"""`fairing-kfp diff`."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click
from rich import markup

from fairing_kfp.cli.exit_codes import DIFFERENT, UNAVAILABLE
from fairing_kfp.cli.options import host_options, image_options
from fairing_kfp.comparison.reuse import CACHING_OFF
from fairing_kfp.display.terminal import console

if TYPE_CHECKING:
    from rich.console import Console

    from fairing_kfp.comparison.change import Cause, Change, PipelineDiff, StepDiff

_INDENT = "    "
_CAUSES = 10  # of an image that are printed
_NOTE = "[dim]* is not in the key of the cache of KFP 2.17, so that alone does not make a step run again[/]"


@click.command()
@click.argument("old", metavar="OLD")
@click.argument("new", metavar="NEW")
@host_options
@click.option("--json", "as_json", is_flag=True, help="Print JSON")
@image_options
def command(old: str, new: str, as_json: bool, **settings: Any) -> None:
    """Show what changed between two pipelines.

    OLD and NEW are compiled YAML, the id of a run on Kubeflow Pipelines, or
    FILE[:NAME], the working tree. Says why a step is not answered from KFP's
    cache: which file, function, value, package or base image changed.

    \b
    Exit codes, as of the program diff:
      0  nothing changed
      1  something changed
      3  nothing is known to have changed, but some images could not be read

    \b
    Example: fairing-kfp diff pipeline.yaml pipeline.py
    """
    from rich.console import Console

    from fairing_kfp.comparison.diff import diff

    with Console(stderr=True).status("comparing"):
        found = diff(old, new, **settings)
    if as_json:
        click.echo(json.dumps(as_dict(found), indent=2))
    else:
        print_diff(found, console())
    if found.differs:
        sys.exit(DIFFERENT)
    if not found.is_complete:
        sys.exit(UNAVAILABLE)


def as_dict(found: PipelineDiff) -> dict[str, Any]:
    """A comparison as JSON values."""
    return {"differs": found.differs, "complete": found.is_complete, **asdict(found)}


def print_diff(found: PipelineDiff, screen: Console) -> None:
    """Prints a comparison: what changed in each step, which others run again, and one line for the rest."""
    for change in found.changes:
        screen.print(f"[yellow]pipeline[/]: {_plain(change.text)}")
    same, explained = [], set[Any]()
    for step in found.steps:
        if step.verdict == "same" and (step.reuse == "yes" or not step.why or step.why == CACHING_OFF):
            same.append(step.name)
        else:
            _print_step(step, screen, explained)
    if same:
        screen.print(f"[dim]same:[/] {_plain(', '.join(same))}")
    if any(not change.in_cache_key for step in found.steps for change in step.changes):
        screen.print(_NOTE)
    for text in found.missing:
        screen.print(f"[yellow]missing:[/] {_plain(text)}")


def _print_step(step: StepDiff, screen: Console, explained: set[Cause]) -> None:
    """Prints a step; the details of a cause are printed with the first step that has it."""
    name = f"[bold]{_plain(step.name)}[/]"
    if step.verdict in ("added", "removed"):
        screen.print(f"{name}: {step.verdict}")
        return
    if not step.changes:
        verdict = "unchanged" if step.verdict == "same" else "its images could not be compared"
        again = f", runs again: {step.why}" if step.reuse == "no" else f", runs again {step.why}" if step.why else ""
        screen.print(f"{name}: {verdict}{_plain(again)}")
        return
    prefix = f"{name}: "
    for change in step.changes:
        for text, details in _lines(change):
            screen.print(f"{prefix}{_plain(text)}")
            prefix = _INDENT
            if details and (change.causes and not explained.issuperset(change.causes)):
                for detail in details:
                    screen.print(f"{_INDENT}{_INDENT}[dim]{_plain(detail)}[/]")
        explained.update(change.causes)
    if step.why and not any(change.in_cache_key for change in step.changes):
        screen.print(f"{_INDENT}runs again{':' if step.reuse == 'no' else ''} {_plain(step.why)}")


def _lines(change: Change) -> Iterator[tuple[str, tuple[str, ...]]]:
    """The lines of a change, the verdict in the first, each with details."""
    mark = "" if change.in_cache_key else " *"
    if not change.causes:
        yield f"{change.text}{mark}", ()
    for number, cause in enumerate(change.causes[:_CAUSES]):
        layer = f" (layer {cause.layer})" if cause.layer and cause.kind not in ("base", "layer") else ""
        text = f"{cause.text}{layer}"
        yield (f"{change.text}: {text}{mark}" if number == 0 else text), cause.details
    if len(change.causes) > _CAUSES:
        yield f"and {len(change.causes) - _CAUSES} more; --json lists all", ()


def _plain(text: str) -> str:
    """Text of others for the terminal: without markup and control characters."""
    return markup.escape("".join(c if c.isprintable() or c == "\t" else repr(c)[1:-1] for c in text))
