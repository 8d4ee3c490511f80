"""`python -m bench [NAME…] [--write]`: measures, and prints or keeps the tables."""

from __future__ import annotations

import os
import platform
import time
from importlib import import_module
from importlib.metadata import version

import click

from bench.measure import MissingError
from bench.table import as_markdown, write

PLACES = {
    "push": "push",
    "edit": "edit",
    "append": "append",
    "many": "many",
    "far": "far",
    "memory": "memory",
    "import": "imports",
    "start": "start",
    "notebook": "notebook",
    "pack": "pack",
    "serve": "serve",
    "served": "served",
    "train": "train",
}


@click.command()
@click.argument("names", nargs=-1, type=click.Choice(list(PLACES)))
@click.option("--write", "keep", is_flag=True, help="Write the results into bench/README.md.")
def main(names: tuple[str, ...], keep: bool) -> None:
    """Measure against peers; without NAMES all of it."""
    for name in names or PLACES:
        circumstances, began = _circumstances(), time.monotonic()
        try:
            tables = import_module(f"bench.{PLACES[name]}").measure()
        except MissingError as missing:
            click.echo(f"{name}: skipped, {missing}\n", err=True)
            continue
        took = f"Measured in {time.monotonic() - began:.0f} s, with {circumstances}."
        text = "\n\n".join([*map(as_markdown, tables), took])
        click.echo(f"{name}\n\n{text}\n")
        if keep:
            write(name, text)


def _circumstances() -> str:
    """What the figures depend on; the load is that of others, before we begin."""
    versions = f"Python {platform.python_version()} and kfp {version('kfp')}"
    return f"{versions}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}"


if __name__ == "__main__":
    main()
