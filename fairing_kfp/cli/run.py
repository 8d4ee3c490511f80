"""`fairing-kfp run`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from rich.markup import escape

from fairing_kfp.cli.options import image_options, quiet, target
from fairing_kfp.display import StepTeller, console, show_columns

if TYPE_CHECKING:
    from rich.console import Console

    from fairing_kfp.local.run import RunResult

_LONGEST_VALUE = 200


@click.command()
@target
@click.option("-p", "--param", "parameters", multiple=True, metavar="NAME=VALUE", help="A parameter of the pipeline.")
@click.option("--runner", type=click.Choice(["subprocess", "docker"]), default="subprocess", show_default=True)
@click.option("-o", "--output", type=click.Path(path_type=Path), default="local_outputs", show_default=True)
@click.option("--no-cache", is_flag=True, help="Run steps again whose code and inputs have not changed.")
@click.option("--docker-network", metavar="NETWORK", help="The network of the docker runner's containers.")
@image_options
@quiet
def command(
    target: str,
    parameters: tuple[str, ...],
    runner: str,
    output: Path,
    no_cache: bool,
    docker_network: str | None,
    quiet: bool,
    **settings: Any,
) -> None:
    """Run a pipeline here: from its code layers, or with Docker from its images."""
    import sys

    from fairing_kfp.loading import folder_of, load_pipeline
    from fairing_kfp.pipeline import run

    screen = console(quiet)
    pipeline = load_pipeline(target)
    if runner == "subprocess":
        version = ".".join(map(str, sys.version_info[:3]))
        screen.print(f"running {pipeline.name} here; packages are resolved for this Python {version} on {sys.platform}")
    with StepTeller(screen) as tell:
        result = run(
            pipeline,
            dict(_pair(text) for text in parameters),
            runner=runner,
            output=output,
            reuse=not no_cache,
            docker={"network_mode": docker_network} if docker_network else None,
            tell=tell,
            progress=tell.transfers,
            start=folder_of(target),
            **settings,
        )
    _show_result(result, screen)


def _pair(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals:
        raise click.BadParameter(f"{text!r} is not of the form NAME=VALUE", param_hint="-p")
    return name, value


def _show_result(result: RunResult, screen: Console) -> None:
    lines: list[tuple[str, str, str]] = []
    for step in result.steps:
        rows = [(name, _short(value)) for name, value in step.outputs.items()]
        rows += [
            (f"{name}.{key}", _short(value))
            for name, values in step.metrics.items()
            for key, value in values.items()
            if not isinstance(value, (dict, list))
        ]
        rows += [(name, _near(uri)) for name, uri in step.artifacts.items() if Path(uri).exists() and _has_content(uri)]
        for number, (name, value) in enumerate(rows):
            lines.append((step.name if number == 0 else "", name, value))
    show_columns([("step", "output", "value"), *lines] if lines else [], screen)
    for name, value in result.outputs.items():
        screen.print(f"[bold]{escape(name)}[/] = {escape(_short(value))}")
    screen.print(f"outputs and logs: {_near(str(result.folder))}")


def _has_content(uri: str) -> bool:
    return Path(uri).is_dir() or Path(uri).stat().st_size > 0


def _near(path: str) -> str:
    """The path from the current folder, where it lies below."""
    return str(Path(path).relative_to(Path.cwd())) if Path(path).is_relative_to(Path.cwd()) else path


def _short(value: Any) -> str:
    text = str(getattr(value, "uri", value))
    return text if len(text) <= _LONGEST_VALUE else f"{text[:_LONGEST_VALUE]}…"
