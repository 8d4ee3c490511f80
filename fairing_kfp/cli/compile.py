"""`fairing-kfp compile`."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import click
from rich.markup import escape

from fairing_kfp.cli.options import image_options, quiet, target
from fairing_kfp.display import TransferTeller, console


@click.command()
@target
@click.option("-o", "--output", type=click.Path(path_type=Path), help="The YAML to write; FILE.yaml by default.")
@image_options
@quiet
def command(target: str, output: Path | None, quiet: bool, **settings: Any) -> None:
    """Publish a pipeline's images and write its YAML, which names them by digest."""
    from fairing_kfp.loading import folder_of, load_pipeline
    from fairing_kfp.pipeline import compile

    screen = console(quiet)
    began = time.monotonic()
    path = output or Path(target.rpartition(".py")[0]).with_suffix(".yaml")
    with TransferTeller(screen) as progress:
        compiled = compile(load_pipeline(target), path, progress=progress, start=folder_of(target), **settings)
    for warning in compiled.warnings:
        screen.print(f"[yellow]warning:[/] {escape(warning)}")
    for name, image in compiled.images.items():
        screen.print(f"[green]✔[/] {name} → {image}")
    screen.print(f"[green]✔[/] {path} in {time.monotonic() - began:.2f} s")
