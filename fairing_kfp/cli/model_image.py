"""`fairing-kfp model-image`."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import click
from rich.markup import escape

from fairing_kfp.cli.options import push_options, quiet
from fairing_kfp.display import TransferProgress, console


@click.command()
@click.argument("model", type=click.Path(path_type=Path), metavar="PATH")
@click.option("--file-name", default="", metavar="NAME", help="Name of the model's file in the image")
@push_options
@quiet
def command(model: Path, file_name: str, quiet: bool, base_image: str | None, **settings: Any) -> None:
    """Push an image with the model at PATH, and print its digest.

    PATH is a file or directory, which lies below /models in the image. KServe
    serves it as oci://IMAGE, and Kubernetes mounts it as an image volume. The
    base image, by default busybox, needs a shell.

    \b
    Example: fairing-kfp model-image model.pickle --registry r.example.com/me
    """
    from fairing_kfp.recipe.model_image import BASE, model_image

    screen = console(quiet)
    start = time.monotonic()
    with TransferProgress(screen) as progress:
        reference = model_image(
            model, base_image=base_image or BASE, file_name=file_name, progress=progress, **settings
        )
    screen.print(f"[green]✔[/] {escape(str(model))} is an image after {time.monotonic() - start:.2f} s")
    click.echo(reference)
