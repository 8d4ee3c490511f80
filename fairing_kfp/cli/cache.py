"""`fairing-kfp cache`."""

from __future__ import annotations

import json
import re
import time
from typing import TYPE_CHECKING, Any

import click

from fairing_kfp.cli.options import quiet
from fairing_kfp.display import console, show_columns, size

if TYPE_CHECKING:
    from collections.abc import Iterable

    from fairing_kfp.build.prune import Entry

    _ParamType = click.ParamType[Any]  # generic for type checkers alone, in older releases
else:
    _ParamType = click.ParamType

_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 7 * 86400}


class _Age(_ParamType):
    name = "age"

    def convert(self, value: str, param: click.Parameter | None, context: click.Context | None) -> float:
        found = re.fullmatch(r"(\d+(?:\.\d+)?)([smhdw])", value.strip().lower())
        if not found:
            self.fail(f"{value!r} is not an age: write it as 30d or 12h", param, context)
        return float(found[1]) * _SECONDS[found[2]]


class _Size(_ParamType):
    name = "size"

    def convert(self, value: str, param: click.Parameter | None, context: click.Context | None) -> int:
        from fairing_kfp.build.prune import bytes_of
        from fairing_kfp.errors import ConfigError

        try:
            return bytes_of(value)
        except ConfigError as error:
            self.fail(f"{error.message}: {error.remedy}", param, context)


@click.group()
def command() -> None:
    """Show or prune what is kept on this machine: layers, packages, locks, local runs.

    It lies in $FAIRING_KFP_CACHE, or in the user's cache folder, and makes room by itself above
    $FAIRING_KFP_CACHE_SIZE (20GB), what was not used for longest first.
    """


@command.command("list")
@click.option("--entries", "each", is_flag=True, help="Show every entry.")
@click.option("--json", "as_json", is_flag=True, help="For programs: every entry.")
def list_(each: bool, as_json: bool) -> None:
    """Show what the cache holds, by kind."""
    from fairing_kfp.build.cache import Cache
    from fairing_kfp.build.prune import entries

    cache = Cache()
    found = entries(cache)
    if as_json:
        described = [
            {"kind": one.kind, "path": str(one.path), "bytes": one.size, "last_used": one.last_used} for one in found
        ]
        click.echo(json.dumps(described, indent=2))
        return
    screen = console()
    screen.print(f"{cache.root}: {_told(found)}")
    if each:
        rows = [
            (one.kind, size(one.size), _ago(one.last_used), one.path.relative_to(cache.root).as_posix())
            for one in found
        ]
        show_columns([("kind", "size", "last used", "entry"), *rows], screen, "  ")
        return
    kinds: dict[str, list[Entry]] = {}
    for one in found:
        kinds.setdefault(one.kind, []).append(one)
    rows = [
        (kind, str(len(its)), size(sum(one.size for one in its)), _ago(max(one.last_used for one in its)))
        for kind, its in sorted(kinds.items())
    ]
    show_columns([("kind", "entries", "size", "last used"), *rows], screen, "  ")


@command.command()
@click.option("--older-than", type=_Age(), metavar="AGE", help="Remove what was not used for this long, such as 30d.")
@click.option("--max-size", type=_Size(), metavar="SIZE", help="Remove the longest unused until this much is left.")
@click.option("--all", "everything", is_flag=True, help="Remove everything that nobody uses just now.")
@click.option("-n", "--dry-run", is_flag=True, help="Only say what would be removed.")
@quiet
def prune(older_than: float | None, max_size: int | None, everything: bool, dry_run: bool, quiet: bool) -> None:
    """Remove what was not used for long.

    What a running process uses stays, and what was used within the last ten minutes. Records are only removed by
    --older-than and --all; packages that were locked are then resolved anew, which may give other versions.
    """
    from fairing_kfp.build import prune as pruning
    from fairing_kfp.build.cache import Cache

    if older_than is None and max_size is None and not everything:
        raise click.UsageError("say what goes: --older-than AGE, --max-size SIZE or --all")
    done = pruning.prune(Cache(), max_size=max_size, older_than=0 if everything else older_than, dry_run=dry_run)
    screen = console(quiet)
    screen.print(f"{'would remove' if dry_run else 'removed'} {_told(done.removed)}; {size(done.left)} left")
    if done.in_use:
        screen.print(f"kept {_told(done.in_use)}, in use or used within the last ten minutes")


def _told(found: Iterable[Entry]) -> str:
    listed = list(found)
    return f"{len(listed)} {'entry' if len(listed) == 1 else 'entries'}, {size(sum(one.size for one in listed))}"


def _ago(moment: float) -> str:
    seconds = max(0.0, time.time() - moment)
    for unit, length in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= length:
            return f"{seconds // length:.0f} {unit} ago"
    return "just now"
