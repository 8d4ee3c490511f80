"""`fairing-kfp upload`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click
from rich.markup import escape

from fairing_kfp.cli.options import host_options, pair, push_options, quiet, target
from fairing_kfp.display import TransferProgress, console

if TYPE_CHECKING:
    from rich.console import Console

    from fairing_kfp.remote.upload import Uploaded


@click.command()
@target
@host_options
@click.option("--name", metavar="NAME", help="Name of the pipeline (default: its own)")
@click.option("--version", metavar="NAME", help="Name of the version (default: a digest)")
@click.option("--description", metavar="TEXT", help="Description of the version")
@click.option("--tag", "tags", metavar="NAME=VALUE", multiple=True, help="Tag of the version (repeatable)")
@push_options
@quiet
def command(
    target: str,
    name: str | None,
    version: str | None,
    description: str | None,
    tags: tuple[str, ...],
    quiet: bool,
    **settings: Any,
) -> None:
    """Upload a pipeline to Kubeflow Pipelines as a version.

    Pushes the images first. Nothing is uploaded if the version exists with the
    same content; if it exists with other content, nothing is pushed, either.

    \b
    Example: fairing-kfp upload pipeline.py --version 1.4
    """
    from fairing_kfp.component.load import folder_of, load_pipeline
    from fairing_kfp.remote.upload import upload

    screen = console(quiet)
    given = dict(pair(text, "--tag") for text in tags)
    with TransferProgress(screen) as progress:
        uploaded = upload(
            load_pipeline(target),
            name=name,
            version=version,
            description=description,
            tags=given,
            progress=progress,
            start=folder_of(target),
            **settings,
        )
    print_uploaded(uploaded, screen)


def print_uploaded(uploaded: Uploaded, screen: Console) -> None:
    """Prints what was uploaded: warnings, images, and the page of the version."""
    for warning in uploaded.compiled.warnings:
        screen.print(f"[yellow]warning:[/] {escape(warning)}")
    for component, image in uploaded.compiled.images.items():
        screen.print(f"[green]✔[/] {component} → {image}")
    state = "uploaded" if uploaded.is_new else "unchanged"
    screen.print(f"[green]✔[/] {escape(uploaded.pipeline)} {escape(uploaded.version)} {state}: {escape(uploaded.url)}")
