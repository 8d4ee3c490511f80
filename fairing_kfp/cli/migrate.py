"""`fairing-kfp migrate`."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

import click
from rich.markup import escape

from fairing_kfp.cli.options import quiet
from fairing_kfp.display.terminal import console, print_error

if TYPE_CHECKING:
    from rich.console import Console

    from fairing_kfp.migration.calls import Call
    from fairing_kfp.migration.file import MigratedFile
    from fairing_kfp.migration.migrate import Migration

_STYLES = {"+": "green", "-": "red", "@": "cyan"}


@click.command()
@click.argument("paths", metavar="FILE|FOLDER...", nargs=-1, required=True)
@click.option("--write", is_flag=True, help="Write the files")
@click.option("--check", is_flag=True, help="Exit with 1 if a file would change")
@click.option("--json", "as_json", is_flag=True, help="Print JSON")
@quiet
def command(paths: tuple[str, ...], write: bool, check: bool, as_json: bool, quiet: bool) -> None:
    """Move code from Kubeflow Fairing.

    Rewrites imports of Kubeflow Fairing in Python files and notebooks to those of
    fairing_kfp.classic, and lists its calls with their successors. Shows the
    difference; writes nothing without --write.

    \b
    Example: fairing-kfp migrate train.py notebooks --write
    """
    from fairing_kfp.migration.migrate import migrate

    if write and check:
        raise click.UsageError("--check writes nothing: use it without --write")
    migration = migrate(paths, write=write)
    if as_json:
        click.echo(json.dumps(as_dict(migration, write), indent=2))
    else:
        _show(migration, write, console(quiet))
    if migration.failures or (check and migration.changed):
        sys.exit(1)


def as_dict(migration: Migration, write: bool) -> dict[str, Any]:
    """A migration as JSON values."""
    return {
        "read": migration.read,
        "written": write,
        "files": [
            {
                "path": str(file.path),
                "changed": file.changed,
                "diff": file.diff,
                "imports": file.imports,
                "calls": [_call_as_dict(call) for call in file.calls],
                "notes": [{"cell": note.cell or None, "line": note.line, "text": note.text} for note in file.notes],
            }
            for file in migration.files
        ],
        "failures": [{"message": error.message, "remedy": error.remedy} for error in migration.failures],
    }


def _call_as_dict(call: Call) -> dict[str, Any]:
    return {
        "cell": call.cell or None,
        "line": call.line,
        "call": call.text,
        "name": call.name,
        "classic": call.successor.classic if call.successor else None,
        "new": call.successor.new if call.successor else None,
    }


def _show(migration: Migration, written: bool, screen: Console) -> None:
    for file in migration.files:
        for line in file.diff.splitlines():
            style = "bold" if line.startswith(("---", "+++")) else _STYLES.get(line[:1], "")
            screen.print(escape(line), style=style or None)
    _show_calls(migration.files, screen)
    for file in migration.files:
        for note in file.notes:
            screen.print(f"[yellow]note:[/] {escape(_place(file, note.cell, note.line))}: {escape(note.text)}")
    for error in migration.failures:
        print_error(error)
    screen.print(escape(_summary(migration, written)))


def _show_calls(files: tuple[MigratedFile, ...], screen: Console) -> None:
    """Shows the calls with the same successor together."""
    groups: dict[tuple[str, str, str], list[tuple[str, str]]] = {}
    for file in files:
        for call in file.calls:
            after = call.successor
            key = (after.call, after.classic, after.new) if after else (call.name, "", "not in Fairing 1.0.2")
            groups.setdefault(key, []).append((_place(file, call.cell, call.line), call.text))
    for (name, classic, new), calls in groups.items():
        screen.print(f"\n[bold]{escape(name)}[/]  {_count(len(calls), 'call')}")
        width = max(len(place) for place, _ in calls)
        for place, text in calls:
            screen.print(f"  {escape(place.ljust(width))}  {escape(text)}")
        if classic:
            screen.print(f"  [dim]classic[/]  {escape(classic)}")
        screen.print(f"  [dim]new way[/]  {escape(new.replace('`', ''))}")
    if groups:
        screen.print()


def _place(file: MigratedFile, cell: int, line: int) -> str:
    return f"{file.path}, cell {cell}:{line}" if cell else f"{file.path}:{line}"


def _summary(migration: Migration, written: bool) -> str:
    changed = migration.changed
    imports, calls = sum(file.imports for file in changed), sum(len(file.calls) for file in migration.files)
    parts = [
        f"{len(changed)} of {_count(migration.read, 'file')} {'changed' if written else 'would change'}",
        _count(imports, "import"),
        _count(calls, "call"),
    ]
    if migration.failures:
        parts.append(f"{len(migration.failures)} failed")
    hint = "; write them with --write" if changed and not written else ""
    return f"{', '.join(parts)}{hint}"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'s' * (number != 1)}"
