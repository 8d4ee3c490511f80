"""`fairing-kfp components`."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import click

from fairing_kfp.cli.options import push_options, quiet
from fairing_kfp.display import TransferProgress, console


@click.group()
def command() -> None:
    """Publish the fairing-kfp image and the reusable components.

    Steps that call the Kubernetes or Vertex AI API, and those of reusable
    components, run in it.
    """


@command.command()
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    metavar="DIR",
    required=True,
    help="Directory to write image.txt and the components to",
)
@click.option("--extra", type=click.Choice(["vertex"]), help="Add the Vertex AI clients")
@push_options
@quiet
def publish(output: Path, extra: str | None, quiet: bool, **settings: Any) -> None:
    """Push the fairing-kfp image, and write its digest to image.txt.

    The reusable components are written beside it, to run in that image.

    It contains fairing-kfp and its locked dependencies. The base image, by
    default python:3.X-slim, must have the Python minor version of this command.

    \b
    Example: fairing-kfp components publish -o published
    """
    from fairing_kfp.components.files import write_components
    from fairing_kfp.recipe.own_image import REFERENCE, publish_own_image

    screen = console(quiet)
    start = time.monotonic()
    with TransferProgress(screen) as progress:
        reference = publish_own_image(output, extra=extra or "", progress=progress, **settings)
    written = write_components(output, reference)
    screen.print(f"[green]✔[/] {reference}")
    screen.print(f"[green]✔[/] {len(written)} components in {output}")
    screen.print(f"[green]✔[/] {output / REFERENCE} in {time.monotonic() - start:.2f} s")
