"""Following a run on Kubeflow Pipelines in a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.markup import escape

from fairing_kfp.display import RunDisplay
from fairing_kfp.display.terminal import print_table
from fairing_kfp.errors import RunFailedError

if TYPE_CHECKING:
    from rich.console import Console

    from fairing_kfp.remote.run import Run
    from fairing_kfp.remote.step import Step


def follow(run: Run, screen: Console, host: str | None = None, *, logs: bool = True) -> int:
    """Displays a run until it ends; returns the exit code: 130 after Ctrl-C, which does not cancel the run.

    Raises:
        RunFailedError: the run failed, or was canceled.
        KfpError: Kubeflow Pipelines does not answer.
    """
    try:
        with RunDisplay(screen, waiting="waiting for the first step") as display:
            run.wait(on_event=display, logs=logs and not screen.quiet)
    except KeyboardInterrupt:
        given = f" --host {host}" if host else ""
        screen.print(f"the run goes on: {escape(run.url or run.id)}")
        screen.print(f"to follow it: fairing-kfp runs show {run.id} --follow{escape(given)}")
        screen.print(f"to cancel it: fairing-kfp runs cancel {run.id}{escape(given)}")
        return 130
    except RunFailedError:
        print_steps(run.steps, screen)
        raise
    print_steps(run.steps, screen)
    screen.print(f"[green]✔[/] {escape(run.name)} succeeded")
    return 0


def print_steps(steps: tuple[Step, ...], screen: Console) -> None:
    """Prints a table of steps: state, duration, and whether KFP reused the outputs of an earlier run."""
    rows = [
        (
            step.name,
            f"{step.state} (cached)" if step.cached else step.state,
            format_seconds(step.seconds) if step.ended and not step.cached else "",
        )
        for step in steps
    ]
    if rows:
        print_table([("step", "state", "time"), *rows], screen)


def format_seconds(seconds: float) -> str:
    """A duration, such as `48 s`, `3 min 20 s` or `2 h 5 min`."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"
