"""`fairing-kfp lock`."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from rich.markup import escape

from fairing_kfp.cli import candidates
from fairing_kfp.cli.json_output import print_json
from fairing_kfp.cli.loading import loaded
from fairing_kfp.cli.options import as_json, quiet
from fairing_kfp.display import TransferProgress, console

if TYPE_CHECKING:
    from rich.console import Console

    from fairing_kfp.pipeline.lock import Change, Locked


@click.command()
@click.argument(
    "words", metavar="FILE[:NAME]... [PACKAGE]...", nargs=-1, required=True, shell_complete=candidates.pipelines
)
@click.option("--upgrade", is_flag=True, help="Upgrade the packages PACKAGE..., or all and base images")
@click.option(
    "--platform",
    "platforms",
    metavar="OS/ARCH",
    multiple=True,
    help="Platform to resolve for (repeatable)",
)
@click.option("--registry", metavar="HOST/PATH", help="Registry, whose builds use locked base images")
@click.option("--insecure", metavar="HOST", multiple=True, help="Registry to reach over plain HTTP (repeatable)")
@click.option("--locked", is_flag=True, default=None, help="Fail if fairing.lock would change (for CI)")
@as_json
@quiet
def command(words: tuple[str, ...], upgrade: bool, as_json: bool, quiet: bool, **settings: Any) -> None:
    """Write a pipeline's package versions to fairing.lock.

    Locked versions are kept, unless --upgrade is given. Packages that the
    pipeline no longer uses are removed. With a registry, base images are
    locked by digest, too. Prints the changes.

    \b
    Example: fairing-kfp lock pipeline.py --upgrade scikit-learn
    """
    from fairing_kfp.cache.store import Cache
    from fairing_kfp.pipeline.lock import lock

    targets, packages = _split(words)
    if packages and not upgrade:
        command_line = f"fairing-kfp lock {' '.join(targets)} --upgrade {' '.join(packages)}"
        raise click.UsageError(f"PACKAGE requires --upgrade: {command_line}")
    screen, locked = console(quiet, stderr=as_json), {}
    with TransferProgress(console(quiet, stderr=True), waiting=f"loading {targets[0]}") as progress:
        cache = Cache(on_miss=progress.status)
        for target, pipeline, folder in loaded(targets, progress):
            locked[target] = lock(pipeline, upgrade=packages or upgrade, cache=cache, start=folder, **settings)
    if as_json:
        print_json({"pipelines": [{"target": target, **asdict(one)} for target, one in locked.items()]})
    for one in locked.values():
        _show(one, screen)


def _split(words: tuple[str, ...]) -> tuple[list[str], list[str]]:
    """The pipelines, and the packages after them: the first word is a pipeline, and so are all names of files."""
    targets = [word for number, word in enumerate(words) if number == 0 or Path(word.partition(":")[0]).is_file()]
    return targets, [word for word in words if word not in targets]


def _show(locked: Locked, screen: Console) -> None:
    several = len({change.platform for change in locked.changes if change.platform}) > 1
    for change in locked.changes:
        screen.print(f"{_describe(change)}{f'  [dim]{change.platform}[/]' if several else ''}")
    for note in locked.notes:
        screen.print(f"[yellow]warning:[/] {escape(note)}")
    state = f"{len(locked.changes)} changes" if locked.changes else "unchanged"
    screen.print(f"[green]✔[/] {escape(str(locked.path))}: {state}")


def _describe(change: Change) -> str:
    before, after = escape(", ".join(change.before)), escape(", ".join(change.after))
    if not before:
        return f"[green]+[/] {change.name} {after}"
    return f"[red]-[/] {change.name} {before}" if not after else f"[yellow]~[/] {change.name} {before} → {after}"
