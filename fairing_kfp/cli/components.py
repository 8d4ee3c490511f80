"""`fairing-kfp components`."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import click

from fairing_kfp.cli.options import image_options, quiet
from fairing_kfp.display import TransferTeller, console


@click.group()
def command() -> None:
    """Publish what steps of fairing-kfp's own run in."""


@command.command()
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    metavar="DIR",
    required=True,
    help="The folder in which image.txt is written, which names the image by digest.",
)
@click.option("--extra", type=click.Choice(["vertex"]), help="What the image holds beside: Google's clients.")
@image_options
@quiet
def publish(output: Path, extra: str | None, quiet: bool, **settings: Any) -> None:
    """Publish our own image: fairing-kfp and its locked packages upon a Python base.

    Steps that talk to Kubernetes or to a registry run in it. The base must hold the Python minor version of this
    command; without --base-image it is python:3.X-slim.
    """
    from fairing_kfp.own_image import REFERENCE
    from fairing_kfp.own_image import publish as publish_image

    screen = console(quiet)
    began = time.monotonic()
    with TransferTeller(screen) as progress:
        reference = publish_image(output, extra=extra or "", progress=progress, **settings)
    screen.print(f"[green]✔[/] {reference}")
    screen.print(f"[green]✔[/] {output / REFERENCE} in {time.monotonic() - began:.2f} s")
