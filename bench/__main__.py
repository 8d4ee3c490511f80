"""`python -m bench [NAME…] [--write]`: runs benchmarks, and prints their tables or writes them into the README."""

from __future__ import annotations

import os
import platform
import time
from importlib import import_module
from importlib.metadata import version
from pathlib import Path

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
        busy = busy_cores()
        environment, start = _environment(busy), time.monotonic()
        if not is_quiet(busy):
            click.echo(f"{name}: {_NOISY}, {busy:.1f} cores are busy", err=True)
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


def _environment(busy: float) -> str:
    """The environment of the measurement, with how busy the machine was before it."""
    noise = "" if is_quiet(busy) else f"; {_NOISY}"
    versions = f"Python {platform.python_version()} and kfp {version('kfp')}"
    return f"{versions}, {os.cpu_count()} cores, of which {busy:.1f} busy before{noise}"


def is_quiet(busy: float) -> bool:
    """Whether a core is free, so that what is measured does not wait for other processes."""
    return busy <= (os.cpu_count() or 1) / 2


def busy_cores() -> float:
    """How many cores are busy, on average of two seconds; the load, which counts earlier benchmarks, without /proc."""
    try:
        before = _busy_seconds()
        time.sleep(2)
        return (_busy_seconds() - before) / 2
    except OSError:
        return os.getloadavg()[0]


def _busy_seconds() -> float:
    """The time that all cores were busy since the machine started."""
    user, nice, system, _, _, *rest = map(int, Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:])
    return (user + nice + system + sum(rest[:3])) / os.sysconf("SC_CLK_TCK")


if __name__ == "__main__":
    main()
