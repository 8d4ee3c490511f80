"""`python -m bench [NAME…] [--write]`: runs benchmarks, and prints their tables or writes them into the README."""

from __future__ import annotations

import os
import platform
import time
from importlib import import_module
from importlib.metadata import version

import click

from bench.measure import MissingError
from bench.table import as_markdown, write

MODULES = {
    "push": "push",
    "edit": "edit",
    "append": "append",
    "many": "many",
    "far": "far",
    "memory": "memory",
    "import": "imports",
    "large": "large",
    "run": "run",
    "first-line": "first_line",
    "start": "start",
    "pull": "pull",
    "torch": "torch_layers",
    "notebook": "notebook",
    "pack": "pack",
    "serve": "serve",
    "served": "served",
    "train": "train",
    "secrets": "secrets",
}
SLOW = ("torch",)
"""Benchmarks that run only by name: they take half an hour, and 50 GB of disk."""

_NOISY = "**the machine is not quiet**, so times and ratios are not to be relied on"


@click.command()
@click.argument("names", nargs=-1, type=click.Choice(list(MODULES)))
@click.option("--write", "keep", is_flag=True, help="Write the results into bench/README.md.")
def main(names: tuple[str, ...], keep: bool) -> None:
    """Run benchmarks against peers; by default all but the slowest."""
    for name in names or [name for name in MODULES if name not in SLOW]:
        environment, start = _environment(), time.monotonic()
        if not is_quiet():
            click.echo(f"{name}: {_NOISY}, load {os.getloadavg()[0]:.1f}", err=True)
        try:
            tables = import_module(f"bench.{MODULES[name]}").measure()
        except MissingError as missing:
            click.echo(f"{name}: skipped, {missing}\n", err=True)
            continue
        footer = f"Measured in {time.monotonic() - start:.0f} s, with {environment}."
        text = "\n\n".join([*map(as_markdown, tables), footer])
        click.echo(f"{name}\n\n{text}\n")
        if keep:
            write(name, text)


def _environment() -> str:
    """The environment of the measurement, with the load before it."""
    noise = "" if is_quiet() else f"; {_NOISY}"
    versions = f"Python {platform.python_version()} and kfp {version('kfp')}"
    return f"{versions}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}{noise}"


def is_quiet() -> bool:
    """Whether a core is free, so that what is measured does not wait for other processes."""
    return os.getloadavg()[0] <= (os.cpu_count() or 1) / 2


if __name__ == "__main__":
    main()
