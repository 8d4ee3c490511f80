"""`fairing-kfp compile`."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import click

from fairing_kfp.cli.options import image_options, quiet, target
from fairing_kfp.display import TransferProgress
from fairing_kfp.display.plain import escape
from fairing_kfp.display.plain import screen as screen_of


@click.command()
@target
@click.option(
    "-o", "--output", type=click.Path(path_type=Path), metavar="YAML", help="File to write (default: FILE.yaml)"
)
@image_options
@quiet
def command(target: str, output: Path | None, quiet: bool, **settings: Any) -> None:
    """Push a pipeline's images and write its YAML.

    The YAML refers to images by digest. Upload it to Kubeflow Pipelines as is.
    With --builder dry-run nothing is sent, and no YAML is written.

    \b
    Example: fairing-kfp compile pipeline.py --registry registry.example.com/me
    """
    from fairing_kfp.component.load import folder_of, load_pipeline, yaml_of
    from fairing_kfp.pipeline.compile import compile

    screen = screen_of(quiet)
    start = time.monotonic()
    path = output or yaml_of(target)
    with TransferProgress(screen) as progress:
        compiled = compile(load_pipeline(target), path, progress=progress, start=folder_of(target), **settings)
    for warning in compiled.warnings:
        screen.print(f"[yellow]warning:[/] {escape(warning)}")
    if compiled.lock is not None:
        screen.print(f"[green]✔[/] {escape(str(compiled.lock))}: new versions are locked; check the file in")
    for name, image in compiled.images.items():
        planned = name in compiled.planned
        screen.print(f"{'[yellow]○[/]' if planned else '[green]✔[/]'} {name} → {image}{' (planned)' * planned}")
    if compiled.attested:
        screen.print(f"[green]✔[/] SBOM and provenance attached to {', '.join(compiled.attested)}")
    if compiled.planned:
        sent = (
            "nothing was sent" if len(compiled.planned) == len(compiled.images) else "the planned images were not sent"
        )
        screen.print(f"[yellow]dry run:[/] {sent}, and {path} was not written, since it could not run")
        return
    screen.print(f"[green]✔[/] {path} in {time.monotonic() - start:.2f} s")
