"""What the commands on served models share: options that find a model, and progress."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable
from typing import Any

import click
from rich.markup import escape

from fairing_kfp.cli.options import quiet
from fairing_kfp.display.terminal import console

_OPTIONS = (
    click.option("-n", "--namespace", metavar="NAMESPACE", help="Namespace (default: that of the context)"),
    click.option("--context", metavar="CONTEXT", help="Context of the kubeconfig"),
    click.option("--target", type=click.Choice(["deployment", "kserve"]), help="Workload of NAME, if both exist"),
    quiet,
)


def served_model(function: Callable[..., None]) -> Callable[..., None]:
    """Adds the options that find a served model, and `--quiet`."""
    for option in reversed(_OPTIONS):
        function = option(function)
    return function


class Progress:
    """Prints lines of progress, then what was done, and how long it took.

    Args:
        quiet: whether nothing is printed.
    """

    def __init__(self, quiet: bool) -> None:
        from urllib3.exceptions import InsecureRequestWarning

        warnings.simplefilter("ignore", InsecureRequestWarning)  # the kubeconfig disables verification on purpose
        self._screen: Any = console(quiet)
        self._start = time.monotonic()

    def log(self, line: str) -> None:
        """Prints a line."""
        self._screen.print(escape(line))

    def done(self, text: str) -> None:
        """Prints the last line."""
        self._screen.print(f"[green]✔[/] {escape(text)} after {time.monotonic() - self._start:.1f} s")
