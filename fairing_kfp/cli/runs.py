"""`fairing-kfp runs`."""

from __future__ import annotations

import json
import sys
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

import click
from rich.markup import escape

from fairing_kfp.cli.following import follow, format_seconds, print_steps
from fairing_kfp.cli.json_output import print_json
from fairing_kfp.cli.options import as_json, ca, host_options, quiet
from fairing_kfp.cli.outputs import print_outputs, run_as_dict
from fairing_kfp.display.terminal import console, print_table

if TYPE_CHECKING:
    from fairing_kfp.remote.run import Run


@click.group()
def command() -> None:
    """Show, download, cancel and retry runs on KFP."""


@command.command("list")
@host_options
@click.option("--experiment", metavar="NAME", help="Experiment of the runs")
@click.option("--limit", type=click.IntRange(1), default=20, show_default=True, help="Number of runs")
@as_json
@ca
def list_(experiment: str | None, limit: int, as_json: bool, token_file: str | None, **settings: Any) -> None:
    """List the latest runs.

    \b
    Example: fairing-kfp runs list --experiment nightly
    """
    from fairing_kfp.remote.connect import connect
    from fairing_kfp.remote.runs import list_runs
    from fairing_kfp.settings import Settings

    chosen = Settings.load(**settings)
    runs = list_runs(connect(chosen, token_file), experiment=experiment, limit=limit)
    if as_json:
        print_json([run_as_dict(run, steps=False) for run in runs])
        return
    rows = [(run.id, run.name, run.last_state, _ago(run.created)) for run in runs]
    screen = console()
    if rows:
        print_table([("id", "name", "state", "created"), *rows], screen)
    else:
        screen.print("no runs")


@command.command()
@click.argument("run_id", metavar="RUN")
@host_options
@click.option("-f", "--follow", "following", is_flag=True, help="Follow the run until it ends")
@click.option("--no-logs", is_flag=True, help="Do not show the logs of steps")
@as_json
@ca
def show(run_id: str, following: bool, no_logs: bool, as_json: bool, **settings: Any) -> None:
    """Show the state, the steps and the outputs of a run.

    RUN is the id of a run.

    \b
    Example: fairing-kfp runs show RUN --follow
    """
    run, screen = _get(run_id, settings), console(stderr=as_json)
    if as_json and not following:
        print_json(run_as_dict(run))
        return
    screen.print(f"[bold]{escape(run.name)}[/] {run.state}: {escape(run.url)}")
    for name, value in run.arguments.items():
        screen.print(f"  {escape(name)} = {escape(json.dumps(value))}")
    if following:
        try:
            code = follow(run, screen, settings.get("host"), logs=not no_logs)
        finally:
            if as_json:
                print_json(run_as_dict(run))
        if code == 0:
            print_outputs(run, screen)
        sys.exit(code)
    print_steps(run.steps, screen)
    print_outputs(run, screen)


@command.command()
@click.argument("run_id", metavar="RUN")
@click.argument("step")
@click.argument("name")
@click.option("-o", "--output", metavar="PATH", help="File or folder to write  [default: NAME]")
@host_options
@ca
@quiet
def download(run_id: str, step: str, name: str, output: str | None, quiet: bool, **settings: Any) -> None:
    """Download an output artifact of a step.

    NAME is the name of the output; `runs show` lists them. Its content comes from the pages of Kubeflow Pipelines, or
    from the object store with the credentials of this machine (needs fairing-kfp[upload]).

    \b
    Example: fairing-kfp runs download RUN train model -o model.pickle
    """
    screen, artifact = console(quiet), _get(run_id, settings).artifact(step, name)
    with screen.status(f"downloading {escape(artifact.uri)}"):
        written = artifact.download(output)
    screen.print(f"[green]✔[/] {escape(artifact.uri)} → {escape(str(written))}")


@command.command()
@click.argument("run_id", metavar="RUN")
@click.argument("step", required=False)
@host_options
@click.option("--lines", type=click.IntRange(1), metavar="N", help="Print only the last N lines")
@ca
def logs(run_id: str, step: str | None, lines: int | None, **settings: Any) -> None:
    """Print the log of a step, or of all steps.

    Reads it from Kubeflow Pipelines, or from Kubernetes.

    \b
    Example: fairing-kfp runs logs RUN train
    """
    from fairing_kfp.errors import KfpError

    run = _get(run_id, settings)
    if step:
        click.echo(run.log(step, lines))
        return
    names = [one.name for one in run.steps if one.state not in ("pending", "skipped") and not one.cached]
    missing: KfpError | None = None
    for name in names:
        try:
            text = run.log(name, lines)
        except KfpError as error:
            missing = error
            continue
        for line in text.splitlines():
            click.echo(f"{name} │ {line}")
    if missing:
        raise missing
    if not names:
        console().print("no step has started, or KFP reused the outputs of earlier runs")


@command.command()
@click.argument("run_id", metavar="RUN")
@host_options
@ca
@quiet
def cancel(run_id: str, quiet: bool, **settings: Any) -> None:
    """Cancel a run.

    \b
    Example: fairing-kfp runs cancel RUN
    """
    run = _get(run_id, settings)
    run.cancel()
    console(quiet).print(f"[green]✔[/] canceling {escape(run.name)}: {escape(run.url)}")


@command.command()
@click.argument("run_id", metavar="RUN")
@host_options
@click.option("--no-wait", "--detach", "no_wait", is_flag=True, help="Do not wait for the run")
@click.option("--no-logs", is_flag=True, help="Do not show the logs of steps")
@ca
@quiet
def retry(run_id: str, no_wait: bool, no_logs: bool, quiet: bool, **settings: Any) -> None:
    """Run the failed steps of a run again, and follow it.

    \b
    Example: fairing-kfp runs retry RUN
    """
    run, screen = _get(run_id, settings), console(quiet)
    run.retry()
    screen.print(f"[bold]▶[/] retrying {escape(run.name)}: {escape(run.url)}")
    if not no_wait:
        sys.exit(follow(run, screen, settings.get("host"), logs=not no_logs))


def _get(run_id: str, settings: dict[str, Any]) -> Run:
    from fairing_kfp.remote.run import Run

    return Run.get(run_id, **settings)


def _ago(moment: datetime | None) -> str:
    if moment is None:
        return ""
    passed = datetime.now(timezone.utc) - moment
    return f"{passed.days} d ago" if passed.days else f"{format_seconds(passed.total_seconds())} ago"
