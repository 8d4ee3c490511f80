"""`fairing-kfp lock`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click
from rich.markup import escape

from fairing_kfp.cli.options import quiet, target
from fairing_kfp.display import console

if TYPE_CHECKING:
    from fairing_kfp.locking import Change


@click.command()
@target
@click.argument("names", metavar="[NAME]...", nargs=-1)
@click.option("--upgrade", is_flag=True, help="Take the newest versions of the packages NAME..., or of all.")
@click.option(
    "--platform",
    "platforms",
    metavar="PLATFORM",
    multiple=True,
    help="The platform of components that name none, such as linux/arm64; given twice, both.",
)
@quiet
def command(target: str, names: tuple[str, ...], upgrade: bool, quiet: bool, **settings: Any) -> None:
    """Write the versions of a pipeline's packages into fairing.lock beside it, and show what changed.

    Versions that are there stay; what the pipeline does not use any more is dropped. Sends nothing.
    """
    from fairing_kfp.loading import folder_of, load_pipeline
    from fairing_kfp.locking import lock

    if names and not upgrade:
        raise click.UsageError(f"say what to do with {names[0]}: fairing-kfp lock {target} --upgrade {' '.join(names)}")
    wanted = list(names) if names else upgrade
    locked = lock(load_pipeline(target), upgrade=wanted, start=folder_of(target), **settings)
    screen = console(quiet)
    several = len({change.platform for change in locked.changes}) > 1
    for change in locked.changes:
        screen.print(f"{_told(change)}{f'  [dim]{change.platform}[/]' if several else ''}")
    state = f"{len(locked.changes)} changes" if locked.changes else "unchanged"
    screen.print(f"[green]✔[/] {locked.path}: {state}")


def _told(change: Change) -> str:
    before, after = escape(", ".join(change.before)), escape(", ".join(change.after))
    if not before:
        return f"[green]+[/] {change.name} {after}"
    return f"[red]-[/] {change.name} {before}" if not after else f"[yellow]~[/] {change.name} {before} → {after}"
