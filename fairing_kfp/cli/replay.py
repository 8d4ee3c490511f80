"""`fairing-kfp replay`."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from rich.markup import escape

from fairing_kfp.cli import candidates
from fairing_kfp.cli.options import allow_secret, ca, host_options, output_folder, quiet
from fairing_kfp.display import RunDisplay, console
from fairing_kfp.display.html import shortened
from fairing_kfp.display.size import format_size
from fairing_kfp.display.terminal import Linked, marked, print_table

if TYPE_CHECKING:
    from rich.console import Console

    from fairing_kfp.display.event import Event
    from fairing_kfp.remote.artifact import RunArtifact
    from fairing_kfp.replay.downloads import OnDownload
    from fairing_kfp.replay.replay import Replay
    from fairing_kfp.replay.result import ReplayResult

_LONGEST_VALUE = 60


def _iteration(context: click.Context, parameter: click.Parameter, text: str | None) -> tuple[int, ...] | None:
    del context
    if text is None:
        return None
    numbers = text.split(".")
    if not all(number.isdecimal() for number in numbers):
        raise click.BadParameter(f"{text!r} is not a number from 0, or several with dots", param=parameter)
    return tuple(map(int, numbers))


@click.command()
@click.argument("run_id", metavar="RUN")
@click.argument("task")
@click.option(
    "--code",
    metavar="FILE[:NAME]",
    shell_complete=candidates.pipelines,
    help="Run this code of the task, not its image",
)
@click.option("--iteration", metavar="N", callback=_iteration, help="Iteration of its loop, from 0 (nested: 1.0)")
@click.option("--debug", is_flag=True, help="Open pdb at the exception, and at breakpoint()")
@output_folder
@host_options
@allow_secret
@ca
@quiet
def command(
    run_id: str,
    task: str,
    code: str | None,
    iteration: tuple[int, ...] | None,
    debug: bool,
    output: Path,
    quiet: bool,
    **settings: Any,
) -> None:
    """Run a task of a run on KFP again on this machine.

    RUN is the id of a run, TASK the name of a step that `runs show` lists.
    Its parameters and input artifacts are those of the run. Runs its image by
    Docker, or with --code the same task of the working tree as a process.

    \b
    Example: fairing-kfp replay RUN train --code pipeline.py --debug
    """
    from fairing_kfp.local.terminal import check_terminal
    from fairing_kfp.replay.replay import Replay

    if debug:
        check_terminal()
    screen = console(quiet)
    with contextlib.ExitStack() as live:
        display = live.enter_context(RunDisplay(screen, waiting=f"reading {task} of the run"))

        def on_event(event: Event) -> None:
            if debug and event.kind == "start":
                live.close()  # no live lines where pdb writes
            display(event)

        replay = Replay.of(run_id, task, iteration=iteration, code=code, **settings)
        _show_replay(replay, screen)
        if replay.program.launch.runner == "docker":
            display.wait_for(f"pulling {replay.program.launch.image}")
        result = replay.start(output, debug=debug, on_event=on_event, on_download=_shown_downloads(display, screen))
    _show_result(replay, result, screen)


def _shown_downloads(display: RunDisplay, screen: Console) -> OnDownload:
    """Shows the input artifacts, and in the live line how much of them arrived."""

    def show(artifact: RunArtifact, count: int | None) -> None:
        if not count:
            before = " [dim](downloaded before)[/]" if count is None else ""
            screen.print(f"  {escape(artifact.name)} ← {escape(artifact.uri)}{before}")
        if count is not None:
            display.wait_for(f"downloading {artifact.name}: {format_size(count)}")

    return show


def _show_replay(replay: Replay, screen: Console) -> None:
    from fairing_kfp.replay.inputs import CHANNEL

    recording = replay.recording
    started = f", {recording.step.started:%Y-%m-%d %H:%M}" if recording.step.started else ""
    title = f"[bold]{escape(recording.title)}[/] of {escape(replay.run.name)}"
    screen.print(f"{title}: {recording.step.state} on KFP{started}")
    for name, value in replay.parameters.items():
        if not name.startswith(CHANNEL):
            screen.print(f"  {escape(name)} = {escape(_short(value))}")


def _show_result(replay: Replay, result: ReplayResult, screen: Console) -> None:
    from fairing_kfp.replay.result import MISSING

    rows = [
        (
            one.name,
            *("" if value is MISSING else _short(value) for value in (one.recorded, one.here)),
            "equal" if one.is_equal else "different",
        )
        for one in result.comparisons
    ]
    if rows:
        print_table([("output", "on KFP", "here", ""), *rows], screen)
    elif replay.recording.step.state != "succeeded":
        screen.print(f"no outputs to compare: on KFP, the state of the step is {replay.recording.step.state}")
    screen.print(f"outputs and log: {marked(Linked.path(result.folder))}")


def _short(value: Any) -> str:
    return shortened(" ".join(json.dumps(value, ensure_ascii=False).split()), _LONGEST_VALUE)
