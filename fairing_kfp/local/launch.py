"""How the steps of a component are started on this machine."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from fairing_kfp.frozen import dataclass


@dataclass(frozen=True)
class Launch:
    """How the steps of a component are started.

    Attributes:
        name: name of the component.
        runner: `subprocess`, `docker`, `in-process`, or `serve` for a predictor.
        command: command; its placeholders stand for inputs and outputs of the step.
        env: environment variables of the image and the task.
        image: reference of the image by digest; steps are reused while it is unchanged.
        docker: extra arguments of docker's `containers.create`.
        secrets: environment variables whose values are passed on; they are never written to disk.
        serving_spec: spec of a serve step (JSON).
        has_executor: whether KFP's executor runs in the step, and writes its outputs.
        call: calls the function of a step in this process, with KFP's ExecutorInput, environment variables, and a
            function for lines of the log; returns an exit code.
        has_terminal: whether the step has the terminal of this process, for a debugger; its log is not kept.
    """

    name: str
    runner: str
    command: list[str]
    env: dict[str, str]
    image: str = ""
    docker: dict[str, Any] | None = None
    secrets: tuple[str, ...] = ()
    serving_spec: str = ""
    has_executor: bool = True
    call: Callable[[Mapping[str, Any], Mapping[str, str], Callable[[str], None]], int] | None = None
    has_terminal: bool = False
