"""`fairing-kfp lock`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click
from rich.markup import escape

from fairing_kfp.cli.options import quiet, target
from fairing_kfp.display.terminal import console

if TYPE_CHECKING:
    from fairing_kfp.pipeline.lock import Change


@click.command()
@target
@click.argument("names", metavar="[NAME]...", nargs=-1)
@click.option("--upgrade", is_flag=True, help="Upgrade the packages NAME..., or all and base images")
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
@quiet
def command(target: str, names: tuple[str, ...], upgrade: bool, quiet: bool, **settings: Any) -> None:
    """Write a pipeline's package versions to fairing.lock.

    Locked versions are kept, unless --upgrade is given. Packages that the
    pipeline no longer uses are removed. With a registry, base images are
    locked by digest, too. Prints the changes.

    \b
    Example: fairing-kfp lock pipeline.py --upgrade scikit-learn
    """
    from fairing_kfp.component.load import folder_of, load_pipeline
    from fairing_kfp.pipeline.lock import lock

    if names and not upgrade:
        raise click.UsageError(f"NAME requires --upgrade: fairing-kfp lock {target} --upgrade {' '.join(names)}")
    wanted = list(names) if names else upgrade
    locked = lock(load_pipeline(target), upgrade=wanted, start=folder_of(target), **settings)
    screen = console(quiet)
    several = len({change.platform for change in locked.changes if change.platform}) > 1
    for change in locked.changes:
        screen.print(f"{_describe(change)}{f'  [dim]{change.platform}[/]' if several else ''}")
    for note in locked.notes:
        screen.print(f"[yellow]warning:[/] {escape(note)}")
    state = f"{len(locked.changes)} changes" if locked.changes else "unchanged"
    screen.print(f"[green]✔[/] {locked.path}: {state}")


def _describe(change: Change) -> str:
    before, after = escape(", ".join(change.before)), escape(", ".join(change.after))
    if not before:
        return f"[green]+[/] {change.name} {after}"
    return f"[red]-[/] {change.name} {before}" if not after else f"[yellow]~[/] {change.name} {before} → {after}"
