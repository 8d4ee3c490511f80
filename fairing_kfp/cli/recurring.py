"""`fairing-kfp recurring`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click
from rich.markup import escape

from fairing_kfp.cli.options import ca, host_options, parameters, push_options, quiet, target
from fairing_kfp.cli.parameters import given_parameters
from fairing_kfp.cli.upload import print_uploaded
from fairing_kfp.display import TransferProgress, console
from fairing_kfp.display.terminal import print_table

if TYPE_CHECKING:
    from fairing_kfp.remote.recurring import RecurringRun


@click.group()
def command() -> None:
    """Run pipelines on a schedule, on Kubeflow Pipelines."""


@command.command()
@target
@parameters
@click.option("--cron", metavar="CRON", help="Six fields, seconds first: '0 0 2 * * *'")
@click.option("--every", metavar="TIME", help="Interval, such as 30m, 6h or 1d")
@click.option("--start", "start_time", metavar="TIME", help="Begin of the schedule (default: now)")
@click.option("--end", "end_time", metavar="TIME", help="End of the schedule (default: never)")
@click.option("--no-catchup", is_flag=True, help="Do not make up for missed runs")
@click.option(
    "--max-concurrency", type=click.IntRange(1, 10), default=1, metavar="N", help="Runs at the same time (default: 1)"
)
@click.option("--disabled", is_flag=True, help="Create it disabled")
@host_options
@click.option("--experiment", metavar="NAME", help="Experiment of the runs")
@click.option("--service-account", metavar="NAME", help="Kubernetes service account of the runs")
@click.option("--name", metavar="NAME", help="Name of the recurring run")
@push_options
@quiet
def create(
    target: str, parameters: tuple[str, ...], no_catchup: bool, disabled: bool, quiet: bool, **options: Any
) -> None:
    """Upload a pipeline, and run it on a schedule.

    Times of --cron are in the time zone of Kubeflow Pipelines, by default UTC.
    --start and --end are RFC 3339 times: 2026-01-31 or 2026-01-31T02:00:00Z.

    \b
    Example: fairing-kfp recurring create pipeline.py --cron '0 0 2 * * *'
    """
    from fairing_kfp.component.load import folder_of, load_pipeline
    from fairing_kfp.remote.recurring import RecurringRun

    screen = console(quiet)
    given = given_parameters(parameters)
    with TransferProgress(screen) as progress:
        created = RecurringRun.create(
            load_pipeline(target),
            given,
            catchup=not no_catchup,
            enabled=not disabled,
            progress=progress,
            start=folder_of(target),
            **options,
        )
    if created.uploaded:
        print_uploaded(created.uploaded, screen)
    first = f", first at {created.next:%Y-%m-%d %H:%M:%S} UTC" if created.next and not disabled else ""
    screen.print(f"[green]✔[/] {escape(created.name)} runs {_state(created)}{first}: {escape(created.url)}")


@command.command("list")
@host_options
@click.option("--json", "as_json", is_flag=True, help="Print JSON")
@ca
def list_(as_json: bool, **settings: Any) -> None:
    """List the recurring runs.

    \b
    Example: fairing-kfp recurring list --json
    """
    from fairing_kfp.remote.recurring import RecurringRun

    found = RecurringRun.all(**settings)
    if as_json:
        described = [
            {"id": one.id, "name": one.name, "enabled": one.enabled, "schedule": one.schedule, "url": one.url}
            for one in found
        ]
        click.echo(json.dumps(described, indent=2))
        return
    screen = console()
    rows = [(one.id, one.name, one.schedule, "enabled" if one.enabled else "disabled") for one in found]
    if rows:
        print_table([("id", "name", "schedule", "state"), *rows], screen)
    else:
        screen.print("no recurring runs")


@command.command()
@click.argument("name")
@host_options
@ca
@quiet
def enable(name: str, quiet: bool, **settings: Any) -> None:
    """Enable a recurring run, by id or name.

    \b
    Example: fairing-kfp recurring enable nightly
    """
    found = _get(name, settings)
    found.enable()
    console(quiet).print(f"[green]✔[/] {escape(found.name)} is enabled: {escape(found.schedule)}")


@command.command()
@click.argument("name")
@host_options
@ca
@quiet
def disable(name: str, quiet: bool, **settings: Any) -> None:
    """Disable a recurring run, by id or name.

    \b
    Example: fairing-kfp recurring disable nightly
    """
    found = _get(name, settings)
    found.disable()
    console(quiet).print(f"[green]✔[/] {escape(found.name)} is disabled")


@command.command()
@click.argument("name")
@host_options
@ca
@quiet
def delete(name: str, quiet: bool, **settings: Any) -> None:
    """Delete a recurring run, by id or name.

    \b
    Example: fairing-kfp recurring delete nightly
    """
    found = _get(name, settings)
    found.delete()
    console(quiet).print(f"[green]✔[/] deleted {escape(found.name)}; its pipeline is kept")


def _get(name: str, settings: dict[str, Any]) -> RecurringRun:
    from fairing_kfp.remote.recurring import RecurringRun

    return RecurringRun.get(name, **settings)


def _state(created: RecurringRun) -> str:
    return f"on schedule, {created.schedule}" if created.enabled else f"once it is enabled ({created.schedule})"
