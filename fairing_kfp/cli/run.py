"""`fairing-kfp run`."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import click
from rich.markup import escape

from fairing_kfp.cli import options
from fairing_kfp.cli.json_output import print_json
from fairing_kfp.cli.options import as_json, image_options, parameters, quiet, target
from fairing_kfp.cli.parameters import given_parameters
from fairing_kfp.display import RunDisplay, console
from fairing_kfp.display.terminal import Linked, marked, print_table
from fairing_kfp.errors import StepFailedError

if TYPE_CHECKING:
    from rich.console import Console

    from fairing_kfp.local.result import RunResult

_LONGEST_VALUE = 200


@click.command()
@target
@parameters
@click.option(
    "--runner",
    type=click.Choice(["subprocess", "docker"]),
    metavar="RUNNER",
    default="subprocess",
    help="How steps run: subprocess (default) or docker",
)
@click.option("--in-process", is_flag=True, help="Call steps in this process, for debuggers")
@options.output_folder
@options.report
@click.option("--no-cache", is_flag=True, help="Do not reuse outputs of earlier runs")
@options.parallel
@options.docker_network
@as_json
@image_options
@quiet
def command(
    target: str,
    parameters: tuple[str, ...],
    runner: Literal["subprocess", "docker", "in-process"],
    in_process: bool,
    output: Path,
    report: Path | None,
    no_cache: bool,
    parallel: int,
    docker_network: str | None,
    as_json: bool,
    quiet: bool,
    **settings: Any,
) -> None:
    """Run a pipeline on this machine.

    Steps run as processes from the layers of their images, or with
    --runner docker in containers. With --in-process their functions are called
    with the packages and the terminal of this process, so that breakpoint()
    and debuggers work; nothing is packed or reused.

    \b
    Example: fairing-kfp run pipeline.py -p depth=6
    """
    import sys

    from fairing_kfp.component.load import folder_of, load_pipeline
    from fairing_kfp.local.run import run

    if in_process and runner == "docker":
        raise click.UsageError("--in-process runs no containers: leave --runner docker out")
    runner = "in-process" if in_process else runner
    screen = console(quiet, stderr=as_json)
    with results_shown(screen, as_json, report) as show, contextlib.ExitStack() as prints:
        given = given_parameters(parameters)
        if as_json:  # which is alone on standard output
            prints.enter_context(contextlib.redirect_stdout(sys.stderr))
        with RunDisplay(screen, waiting=f"loading {target}", live=not in_process) as display:
            pipeline = load_pipeline(target)
            if runner != "docker":
                version = ".".join(map(str, sys.version_info[:3]))
                screen.print(f"running {pipeline.name} with Python {version} on {sys.platform}")
            display.wait_for("packing code and resolving packages")
            result = run(
                pipeline,
                given,
                runner=runner,
                output=output,
                reuse=not no_cache,
                parallel=parallel,
                docker={"network_mode": docker_network} if docker_network else None,
                on_event=display,
                progress=display.transfers,
                start=folder_of(target),
                **settings,
            )
        prints.close()
        show(result)


@contextlib.contextmanager
def results_shown(screen: Console, as_json: bool, report: Path | None) -> Iterator[Callable[[RunResult], None]]:
    """Gives the function that shows the result of a run, and shows what ran of one that fails.

    Args:
        screen: the terminal.
        as_json: whether the result is printed as JSON on standard output.
        report: file for a page about the run.

    Raises:
        ConfigError: the page cannot be written. Nothing ran.
    """

    def show(result: RunResult) -> None:
        if report is not None:
            result.report(report)
        if as_json:
            print_json(result_as_dict(result))
        else:
            show_result(result, screen)
        if report is not None:
            screen.print(f"report: {marked(Linked.path(report))}")

    if report is not None:
        from fairing_kfp.atomic_file import check_writable

        check_writable(report)
    try:
        yield show
    except StepFailedError as error:
        if error.result is not None and report is not None:
            error.result.report(report)
            screen.print(f"report: {marked(Linked.path(report))}")
        if error.result is not None and as_json:
            print_json(result_as_dict(error.result))
        raise


def result_as_dict(result: RunResult) -> dict[str, Any]:
    """The result of a run as JSON values."""
    details = result.details
    names = ("name", "state", "start", "seconds", "inputs", "outputs", "artifacts", "metrics")
    return {
        "pipeline": details.pipeline if details else None,
        "state": "failed" if any(step.state == "failed" for step in result.steps) else "succeeded",
        "folder": str(result.folder),
        "seconds": round(details.seconds, 3) if details else None,
        "arguments": details.arguments if details else {},
        "outputs": {name: getattr(value, "uri", value) for name, value in result.outputs.items()},
        "steps": [{**{name: getattr(step, name) for name in names}, "log": step.log or None} for step in result.steps],
    }


def show_result(result: RunResult, screen: Console) -> None:
    """Prints the outputs of the steps and of the pipeline, and where they are."""
    lines: list[tuple[str, str, str]] = []
    for step in result.steps:
        rows = [(name, _short(value)) for name, value in step.outputs.items()]
        rows += [
            (f"{name}.{key}", _short(value))
            for name, values in step.metrics.items()
            for key, value in values.items()
            if not isinstance(value, (dict, list))
        ]
        rows += [(name, Linked.path(Path(uri))) for name, uri in step.artifacts.items() if _has_content(Path(uri))]
        for number, (name, value) in enumerate(rows):
            lines.append((step.name if number == 0 else "", name, value))
    print_table([("step", "output", "value"), *lines] if lines else [], screen)
    for name, value in result.outputs.items():
        screen.print(f"[bold]{escape(name)}[/] = {escape(_short(value))}")
    screen.print(f"outputs and logs: {marked(Linked.path(result.folder))}")


def _has_content(path: Path) -> bool:
    return path.is_dir() or (path.exists() and path.stat().st_size > 0)


def _short(value: Any) -> str:
    text = str(getattr(value, "uri", value))
    return text if len(text) <= _LONGEST_VALUE else f"{text[:_LONGEST_VALUE]}…"
