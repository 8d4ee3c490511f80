"""`fairing-kfp submit`."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import click
from rich.markup import escape

from fairing_kfp.cli.following import follow
from fairing_kfp.cli.json_output import print_json
from fairing_kfp.cli.options import as_json, host_options, parameters, push_options, quiet, target
from fairing_kfp.cli.outputs import run_as_dict
from fairing_kfp.cli.parameters import given_parameters
from fairing_kfp.display import TransferProgress, console

if TYPE_CHECKING:
    from fairing_kfp.remote.run import Run


@click.command()
@target
@parameters
@host_options
@click.option("--experiment", metavar="NAME", help="Experiment of the run")
@click.option("--service-account", metavar="NAME", help="Kubernetes service account of the run")
@click.option("--name", metavar="NAME", help="Name of the run")
@click.option("--no-wait", "--detach", "no_wait", is_flag=True, help="Do not wait for the run")
@click.option("--no-logs", is_flag=True, help="Do not show the logs of steps")
@click.option("--no-cache", is_flag=True, help="Do not reuse outputs of earlier runs")
@as_json
@push_options
@quiet
def command(
    target: str,
    parameters: tuple[str, ...],
    name: str | None,
    no_wait: bool,
    no_logs: bool,
    no_cache: bool,
    as_json: bool,
    quiet: bool,
    **settings: Any,
) -> None:
    """Run a pipeline on Kubeflow Pipelines, and follow it.

    Checks the host and the parameters, pushes the images, and creates the run.
    Exits with 0 only if the run succeeds. Ctrl-C does not cancel the run.

    \b
    Example: fairing-kfp submit pipeline.py -p depth=6 --host URL
    """
    from fairing_kfp.component.load import folder_of, load_pipeline
    from fairing_kfp.remote.submit import submit

    screen = console(quiet, stderr=as_json)
    given = given_parameters(parameters)
    with TransferProgress(screen, waiting=f"loading {target}") as progress:
        run = submit(
            load_pipeline(target),
            given,
            name=name,
            reuse=not no_cache,
            progress=progress,
            start=folder_of(target),
            **settings,
        )
    if run.compiled:
        for warning in run.compiled.warnings:
            screen.print(f"[yellow]warning:[/] {escape(warning)}")
        for component, image in run.compiled.images.items():
            screen.print(f"[green]✔[/] {component} → {image}")
    screen.print(f"[bold]▶[/] {escape(run.name)}: {escape(run.url or run.id)}")
    if no_wait:
        if as_json:
            print_json(_as_dict(run))
        elif quiet:
            click.echo(run.id)
        return
    try:
        code = follow(run, screen, settings.get("host"), logs=not no_logs)
    finally:
        if as_json:
            print_json(_as_dict(run))
    sys.exit(code)


def _as_dict(run: Run) -> dict[str, Any]:
    """A run as `runs show --json` prints it, and the images that were pushed for it."""
    images = run.compiled.images if run.compiled else {}
    made = [{"component": component, "image": image} for component, image in images.items()]
    return {**run_as_dict(run), "images": made}
