"""`fairing-kfp diff`."""

from __future__ import annotations

import json
import sys
import textwrap
from collections.abc import Iterator
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from fairing_kfp.cli import candidates
from fairing_kfp.cli.exit_codes import DIFFERENT, UNAVAILABLE
from fairing_kfp.cli.options import host_options, image_options
from fairing_kfp.comparison.reuse import CACHING_OFF
from fairing_kfp.display.terminal import console

if TYPE_CHECKING:
    from rich.console import Console

    from fairing_kfp.comparison.change import Cause, Change, PipelineDiff, StepDiff

_INDENT = "    "
_CAUSES = 10  # of an image that are printed
_NOTE = "* is not in the key of the cache of KFP 2.17, so that alone does not make a step run again"
_VERDICTS = {"same": "unchanged", "unknown": "its images could not be compared"}
_STYLES = {"-": "red", "+": "green"}
_WORDS: Any = {"break_long_words": False, "break_on_hyphens": False, "replace_whitespace": False}


@click.command()
@click.argument("old", metavar="OLD", shell_complete=candidates.compared)
@click.argument("new", metavar="NEW", shell_complete=candidates.compared)
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
        _print(screen, change.text, "pipeline")
    same, explained = [], set[Any]()
    for step in found.steps:
        if step.verdict == "same" and (step.reuse == "yes" or not step.why or step.why == CACHING_OFF):
            same.append(step.name)
        else:
            _print_step(step, screen, explained)
    if same:
        _print(screen, ", ".join(same), "same", style="dim")
    if any(not change.in_cache_key for step in found.steps for change in step.changes):
        _print(screen, _NOTE, style="dim")
    for text in found.missing:
        _print(screen, text, "missing", style="yellow")


def _print_step(step: StepDiff, screen: Console, explained: set[Cause]) -> None:
    """Prints a step; the details of a cause are printed with the first step that has it."""
    if not step.changes:
        verdict = _VERDICTS.get(step.verdict, step.verdict)
        again = f", runs again: {step.why}" if step.reuse == "no" else f", runs again {step.why}"
        _print(screen, f"{verdict}{again if step.why else ''}", step.name)
        return
    head = step.name
    for change in step.changes:
        for text, cause in _lines(change):
            _print(screen, text, head, indent="" if head else _INDENT)
            head = ""
            if cause is not None and cause not in explained:
                explained.add(cause)
                for detail in cause.details:
                    _print(screen, detail, indent=_INDENT * 2, style=_STYLES.get(detail[:1], "dim"))
    if step.why and not any(change.in_cache_key for change in step.changes):
        _print(screen, f"runs again{':' if step.reuse == 'no' else ''} {step.why}", indent=_INDENT)


def _lines(change: Change) -> Iterator[tuple[str, Cause | None]]:
    """The lines of a change, the verdict in the first, each with its cause."""
    mark = "" if change.in_cache_key else " *"
    if not change.causes:
        yield f"{change.text}{mark}", None
    for number, cause in enumerate(change.causes[:_CAUSES]):
        layer = f" (layer {cause.layer})" if cause.layer and cause.kind not in ("base", "layer") else ""
        yield f"{f'{change.text}: ' if number == 0 else ''}{cause.text}{layer}{mark if number == 0 else ''}", cause
    if len(change.causes) > _CAUSES:
        yield f"and {len(change.causes) - _CAUSES} more; --json lists all", None


def _print(screen: Console, text: str, head: str = "", *, indent: str = "", style: str = "") -> None:
    """Prints text of others, without its control characters; in a terminal long lines end between words.

    Args:
        screen: the terminal.
        text: the text.
        head: what it is about, set off by its style or in bold.
        indent: the prefix of the line.
        style: the style of the head; without a head, of the text.
    """
    from rich.text import Text

    line = f"{indent}{head}: {text}" if head else f"{indent}{text}"
    line = "".join(c if c.isprintable() or c == "\t" else repr(c)[1:-1] for c in line)
    if screen.is_terminal:
        following = f"{indent}{_INDENT * 2}"
        line = "\n".join(textwrap.wrap(line, screen.width, subsequent_indent=following, **_WORDS)) or line
    shown = Text(line)
    shown.stylize((style or "bold") if head else style, 0, len(head) if head else len(line))
    screen.print(shown)
