"""`fairing-kfp cache`."""

from __future__ import annotations

import json
import re
import time
from typing import TYPE_CHECKING, Any

import click

from fairing_kfp.cli.options import quiet
from fairing_kfp.display.size import format_size
from fairing_kfp.display.terminal import console, print_table

if TYPE_CHECKING:
    from collections.abc import Iterable

    from fairing_kfp.cache.prune import Entry

    _ParamType = click.ParamType[Any]  # generic for type checkers alone, in older releases
else:
    _ParamType = click.ParamType

_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 7 * 86400}


class _Age(_ParamType):
    name = "age"

    def convert(self, value: str, param: click.Parameter | None, context: click.Context | None) -> float:
        found = re.fullmatch(r"(\d+(?:\.\d+)?)([smhdw])", value.strip().lower())
        if not found:
            self.fail(f"{value!r} is not an age such as 30d or 12h", param, context)
        return float(found[1]) * _SECONDS[found[2]]


class _Size(_ParamType):
    name = "size"

    def convert(self, value: str, param: click.Parameter | None, context: click.Context | None) -> int:
        from fairing_kfp.cache.size_limit import parse_size
        from fairing_kfp.errors import ConfigError

        try:
            return parse_size(value)
        except ConfigError as error:
            self.fail(f"{error.message}: {error.remedy}", param, context)


@click.group()
def command() -> None:
    """Show or prune the local cache.

    The cache contains layers, packages, locks and local runs. It is in
    $FAIRING_KFP_CACHE, or in the user's cache directory. Above
    $FAIRING_KFP_CACHE_SIZE (20GB), the least recently used entries are removed.
    """


@command.command("list")
@click.option("--entries", "each", is_flag=True, help="List every entry")
@click.option("--json", "as_json", is_flag=True, help="Print every entry as JSON")
def list_(each: bool, as_json: bool) -> None:
    """List the cache's contents by kind.

    \b
    Example: fairing-kfp cache list --entries
    """
    from fairing_kfp.cache.prune import entries
    from fairing_kfp.cache.store import default_root

    root = default_root()
    found = entries(root)
    if as_json:
        described = [
            {"kind": one.kind, "path": str(one.path), "bytes": one.size, "last_used": one.last_used} for one in found
        ]
        click.echo(json.dumps(described, indent=2))
        return
    screen = console()
    screen.print(f"{root}: {_summary(found)}")
    if each:
        rows = [
            (one.kind, format_size(one.size), _ago(one.last_used), one.path.relative_to(root).as_posix())
            for one in found
        ]
        print_table([("kind", "size", "last used", "entry"), *rows], screen, "  ")
        return
    kinds: dict[str, list[Entry]] = {}
    for one in found:
        kinds.setdefault(one.kind, []).append(one)
    rows = [
        (kind, str(len(its)), format_size(sum(one.size for one in its)), _ago(max(one.last_used for one in its)))
        for kind, its in sorted(kinds.items())
    ]
    print_table([("kind", "entries", "size", "last used"), *rows], screen, "  ")


@command.command()
@click.option("--older-than", type=_Age(), metavar="AGE", help="Remove entries unused for AGE, such as 30d")
@click.option("--max-size", type=_Size(), metavar="SIZE", help="Shrink to SIZE, least recently used first")
@click.option("--all", "everything", is_flag=True, help="Remove all entries that are not in use")
@click.option("-n", "--dry-run", is_flag=True, help="Only print what would be removed")
@quiet
def prune(older_than: float | None, max_size: int | None, everything: bool, dry_run: bool, quiet: bool) -> None:
    """Remove cache entries that were not used recently.

    Entries in use, or used within the last ten minutes, are kept. Locks are
    removed only by --older-than and --all; packages are then resolved again,
    possibly to newer versions.

    \b
    Example: fairing-kfp cache prune --older-than 30d
    """
    from fairing_kfp.cache import prune as pruning
    from fairing_kfp.cache.store import default_root

    if older_than is None and max_size is None and not everything:
        raise click.UsageError("use --older-than AGE, --max-size SIZE or --all")
    done = pruning.prune(default_root(), max_size=max_size, older_than=0 if everything else older_than, dry_run=dry_run)
    screen = console(quiet)
    screen.print(f"{'would remove' if dry_run else 'removed'} {_summary(done.removed)}; {format_size(done.left)} left")
    if done.in_use:
        screen.print(f"kept {_summary(done.in_use)}, in use, or used within the last ten minutes")


def _summary(found: Iterable[Entry]) -> str:
    listed = list(found)
    return f"{len(listed)} {'entry' if len(listed) == 1 else 'entries'}, {format_size(sum(one.size for one in listed))}"


def _ago(moment: float) -> str:
    seconds = max(0.0, time.time() - moment)
    for unit, length in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= length:
            return f"{seconds // length:.0f} {unit} ago"
    return "just now"
