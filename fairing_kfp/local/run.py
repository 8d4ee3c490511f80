"""Runs a pipeline on this machine."""

from __future__ import annotations

import contextlib
import json
import re
import socket
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from fairing_kfp.errors import PipelineError, StepFailedError
from fairing_kfp.gate import ARGUMENT
from fairing_kfp.local.event import Event
from fairing_kfp.own_step import image_of, order_of
from fairing_kfp.runtime.frameworks import alone
from fairing_kfp.serving.compiled import serve_order
from fairing_kfp.serving.local import lifeline

if TYPE_CHECKING:
    from fairing_kfp.build.cache import Cache
    from fairing_kfp.local.launches import Started
    from fairing_kfp.train.order import Order
    from fairing_kfp.train.vertex.order import VertexOrder

_SHOWN_LOG_LINES = 60


@dataclass(frozen=True)
class StepResult:
    """What became of one step.

    Attributes:
        name: its name.
        state: `succeeded`, `reused` or `failed`.
        seconds: how long it took.
        outputs: its output parameters.
        artifacts: the places of its output artifacts.
        metrics: the metadata of those that have some.
        log: the file of its log; empty when it was reused.
    """

    name: str
    state: str
    seconds: float = 0.0
    outputs: Mapping[str, Any] = field(default_factory=dict)
    artifacts: Mapping[str, str] = field(default_factory=dict)
    metrics: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    log: str = ""


@dataclass(frozen=True)
class RunResult:
    """What a run made.

    Attributes:
        folder: where its artifacts and logs lie.
        outputs: the pipeline's own outputs.
        steps: its steps in the order of their ends.
    """

    folder: Path
    outputs: Mapping[str, Any]
    steps: tuple[StepResult, ...]

    def step(self, name: str) -> StepResult:
        """The step of a name.

        Raises:
            KeyError: no such step ran.
        """
        return {step.name: step for step in self.steps}[name]


def run_graph(
    text: str,
    launches: Mapping[str, Started],
    arguments: Mapping[str, Any],
    output: Path,
    cache: Cache,
    *,
    reuse: bool,
    tell: Callable[[Event], None],
) -> RunResult:
    """Runs a pipeline whose images stand for launches.

    Args:
        text: the compiled pipeline; its images are placeholders.
        launches: for each placeholder how the steps of its component run.
        arguments: the pipeline's parameters, as `check_arguments` gives them.
        output: the folder in which this run's own folder is made.
        cache: keeps which outputs can be used again.
        reuse: whether steps that ran before with the same code and inputs are not run again.
        tell: is given what happens.

    Raises:
        PipelineError: kfp.local cannot run the pipeline.
        StepFailedError: a step failed; it holds the end of the step's log.
    """
    from fairing_kfp.local.graph import walk

    documents = list(yaml.safe_load_all(text))
    specification = documents[0]
    containers = [
        one.get("container", {}) for one in specification.get("deploymentSpec", {}).get("executors", {}).values()
    ]
    for started in launches.values():
        for warning in started.warnings:
            tell(Event("warn", started.launch.name, warning))
    for container in containers:
        if order := order_of(container):
            tell(Event("warn", *_said_of(order, launches)))
    serving = [order for order in map(serve_order, containers) if order]
    for served in serving:
        if served.image not in launches:
            raise PipelineError(
                f"{served.name} is no predictor of this pipeline, and cannot be served here: "
                f"{served.image or served.model_format}",
                "run it on KFP; or serve a class that @fairing_component decorates",
            )
    name = specification["pipelineInfo"]["name"]
    run = output.absolute() / f"{name}-{time.strftime('%Y%m%d-%H%M%S')}-{time.monotonic_ns() % 10_000:04}"
    run.mkdir(parents=True)
    for container in containers:
        _launch_by(container, launches, run)
    _run_loops_in_turn(specification)
    _tell_apart(specification)
    steps: list[StepResult] = []
    memory = cache.root / "steps"

    def hear(event: Event) -> None:
        if event.kind == "reuse":
            event = _reused(event, memory)
        result = _result(event)
        if result:
            steps.append(result)
        tell(event)

    try:
        with lifeline(run) if serving else contextlib.nullcontext():
            outputs = walk(yaml.safe_dump_all(documents), dict(arguments), run, memory if reuse else None, hear)
    except RuntimeError as error:
        failed = next((step for step in reversed(steps) if step.state == "failed"), None)
        if failed is None:
            raise PipelineError(
                f"kfp.local cannot run {name}: {error}", "run it with --runner docker, or on KFP"
            ) from error
        raise _failure(failed) from None
    return RunResult(run, outputs, tuple(steps))


def check_arguments(specification: Mapping[str, Any], arguments: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments, with those given as text (`-p depth=6`) read as the parameter's type.

    Raises:
        PipelineError: a parameter is unknown, missing or unreadable.
    """
    parameters = specification["root"].get("inputDefinitions", {}).get("parameters", {})
    known = ", ".join(sorted(parameters)) or "none"
    name = specification["pipelineInfo"]["name"]
    for given in arguments:
        if given not in parameters:
            raise PipelineError(f"the pipeline {name} has no parameter {given!r}", f"it has: {known}")
    for wanted, parameter in parameters.items():
        optional = parameter.get("isOptional") or "defaultValue" in parameter
        if wanted not in arguments and not optional:
            raise PipelineError(f"the pipeline {name} needs a value for {wanted!r}", f"give -p {wanted}=VALUE")
    return {key: _typed(key, value, parameters[key]["parameterType"]) for key, value in arguments.items()}


def _typed(name: str, value: Any, kind: str) -> Any:
    if not isinstance(value, str) or kind == "STRING":
        return value
    wanted: Any = {"NUMBER_INTEGER": int, "NUMBER_DOUBLE": (int, float), "BOOLEAN": bool, "LIST": list, "STRUCT": dict}[
        kind
    ]
    try:
        read = json.loads(value.lower() if kind == "BOOLEAN" else value)
    except ValueError:
        read = None
    if not isinstance(read, wanted) or (isinstance(read, bool) and kind != "BOOLEAN"):
        word = kind.removeprefix("NUMBER_").lower()
        raise PipelineError(f"{name}={value!r} is no {word}", "write numbers, true or false, and JSON for the rest")
    return float(read) if kind == "NUMBER_DOUBLE" else read


def _launch_by(container: dict[str, Any], launches: Mapping[str, Started], run: Path) -> None:
    serving = serve_order(container)
    image = serving.image if serving else image_of(container)
    if image not in launches:
        return  # a component of kfp's own, which kfp.local runs as it always does
    started = launches[image]
    launch = started.launch
    key = re.sub(r"\W", "", image)[-12:]
    env = {variable["name"]: variable.get("value", "") for variable in container.get("env", [])}
    if framework := getattr(order_of(container), "framework", None):
        key, env = f"{key}-{framework}", {**alone(framework, _free_port()), **env}
    launch = replace(launch, env={**launch.env, **env})
    if serving:
        key = f"{key}-{serving.name}"
        launch = replace(
            launch, name=f"serve-{serving.name}", runner="serve", image=started.image, serves=serving.text()
        )
    if ARGUMENT in container.get("args", ()):
        key, command = f"{key}-check", [*launch.command, ARGUMENT]
        launch = replace(launch, name=f"{launch.name}-check", command=command, secrets=())
    launch.write(run, key)
    container["image"] = started.image
    # kfp.local wants to see its executor named, and replaces "python3" in every argument but the one after this mark
    mark = 'kfp.dsl.executor_main "$program_path/ephemeral_component.py" "$@"'
    container["command"] = ["python3", "-m", "fairing_kfp.local.launcher", key, mark]
    container["args"] = ["{{$}}"]


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _said_of(order: Order | VertexOrder, launches: Mapping[str, Started]) -> tuple[str, str]:
    """The name of a train step, and what is different about it here."""
    place = "one container" if launches[order.image].launch.runner == "docker" else "one process"
    return order.name, f"{order.name} runs here as {place}; on {order.where} it is a {order.shown}"


def _tell_apart(specification: dict[str, Any]) -> None:
    """Kfp takes a pipeline that is called like one of its components for a component alone."""
    information = specification["pipelineInfo"]
    while f"comp-{information['name']}" in specification.get("components", {}):
        information["name"] += "-pipeline"


def _run_loops_in_turn(value: Any) -> None:
    """kfp.local gives all turns of a loop one output file: side by side they would read one another's."""
    if isinstance(value, dict):
        if "parameterIterator" in value or "artifactIterator" in value:
            value["iteratorPolicy"] = {"parallelismLimit": 1}
        for item in value.values():
            _run_loops_in_turn(item)
    elif isinstance(value, list):
        for item in value:
            _run_loops_in_turn(item)


def _reused(event: Event, memory: Path) -> Event:
    """A reuse with its outputs, which kfp.local keeps under the key that the event brings."""
    kept: dict[str, Any] = {}
    for path in memory.glob(f"{event.text}*.json"):
        kept = json.loads(path.read_bytes())
    artifacts = {name: value for name, value in kept.items() if isinstance(value, dict) and "__kfp_artifact__" in value}
    return Event(
        "reuse",
        event.step,
        outputs={name: value for name, value in kept.items() if name not in artifacts},
        artifacts={name: value["uri"] for name, value in artifacts.items()},
        metrics={name: value["metadata"] for name, value in artifacts.items() if value["metadata"]},
    )


def _result(event: Event) -> StepResult | None:
    state = {"succeed": "succeeded", "fail": "failed", "reuse": "reused"}.get(event.kind)
    if state is None:
        return None
    return StepResult(event.step, state, event.seconds, event.outputs, event.artifacts, event.metrics, event.log)


def _failure(step: StepResult) -> StepFailedError:
    log = Path(step.log).read_text(encoding="utf-8", errors="replace")
    lines = log.splitlines()
    shown = "\n".join(lines[-_SHOWN_LOG_LINES:])
    more = f" (the last {_SHOWN_LOG_LINES} of {len(lines)} lines)" if len(lines) > _SHOWN_LOG_LINES else ""
    return StepFailedError(
        f"the step {step.name} failed after {step.seconds:.1f} s; its log{more}:\n{shown}",
        f"the whole log: {step.log}",
        log=log,
    )
