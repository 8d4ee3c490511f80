"""Local runs of a corpus of pipelines, compared with those of a stand-in for KFP's backend.

Both run the components in this process, by KFP's own executor.
"""

from __future__ import annotations

import json
import re
import subprocess
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from kfp.dsl import executor
from kfp.dsl.types import artifact_types

from fairing_kfp.cache.store import Cache
from fairing_kfp.display.event import Event
from fairing_kfp.errors import FairingError
from fairing_kfp.local import container, process
from fairing_kfp.local.image import LocalImage
from fairing_kfp.local.launch import Launch
from fairing_kfp.local.runner import run_pipeline
from fairing_kfp.pipeline.arguments import check_arguments
from fairing_kfp.pipeline.backend_limits import backend_warnings
from fairing_kfp.pipeline.trace import TracedPipeline, trace
from tests.support.kfp_backend.driver import RUN_NAME, Backend
from tests.support.kfp_backend.launcher import Launcher
from tests.support.kfp_backend.values import BackendError, as_json
from tests.unit.local.corpus import branches, ends, loops, nested, plain, steps

MODULES = {"plain": plain, "loops": loops, "branches": branches, "ends": ends, "nested": nested}
CASES = [
    pytest.param(pipeline, arguments, id=f"{name}-{pipeline.name}-{json.dumps(arguments)}")
    for name, module in MODULES.items()
    for pipeline, arguments in module.CASES
]
STATES = {"succeed": "COMPLETE", "fail": "FAILED", "reuse": "CACHED"}
FAILED = "failed"


def functions(traced: TracedPipeline) -> dict[str, Callable[..., Any]]:
    """The functions of a pipeline's components, by the placeholders of their images."""
    return {placeholder: source.code.function for placeholder, source in traced.sources.items()}  # type: ignore[attr-defined]


def run_here(function: Callable[..., Any] | None, command: list[str]) -> int:
    """Runs a component in this process, or the command of another image as a process; gives the exit code."""
    if function is None:
        return subprocess.run(command, check=False, stdin=subprocess.DEVNULL).returncode
    try:
        executor.Executor(json.loads(command[-1]), function).execute()
    except Exception as error:
        print(repr(error))
        return 1
    return 0


@dataclass(frozen=True)
class Step:
    """What both runs tell of a step. Numbers are compared as the step gets them: 1 differs from 1.0.

    Attributes:
        name: name of its task.
        state: its state, in KFP's words.
        given: input parameters, in JSON, with dictionaries in their order.
        artifacts: metadata and content of input artifacts.
        outputs: output parameters.
        made: metadata and content of output artifacts.
    """

    name: str
    state: str
    given: dict[str, str]
    artifacts: dict[str, list[Any]]
    outputs: dict[str, str]
    made: dict[str, Any]


class Here:
    """Local runs."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._cache = folder, Cache(folder / "cache")
        self.events: list[Event] = []
        self.given: dict[str, Any] = {}
        self.run_name = ""

    def run(
        self, traced: TracedPipeline, arguments: Mapping[str, Any], monkeypatch: pytest.MonkeyPatch, parallel: int = 1
    ) -> Any:
        """Runs a pipeline; gives its outputs."""
        by_name = functions(traced)
        self.events, self.given = [], {}
        images = {
            placeholder: LocalImage(f"local/{source.key}", Launch(source.name, "subprocess", [placeholder], {}))
            for placeholder, source in traced.sources.items()
        }

        def run_process(command: list[str], *_: object) -> int:
            given = json.loads(command[-1])
            folder = Path(given["outputs"]["outputFile"]).parent
            self.given[folder.name], self.run_name = given, folder.parent.name
            return run_here(by_name[command[0]], command)

        with monkeypatch.context() as patch:
            patch.setattr(process, "run_process", run_process)
            patch.setattr(container, "run_container", lambda image, command, *_: run_here(None, command))
            output, arguments = self._folder / "out", check_arguments(traced.specification, arguments)
            result = run_pipeline(
                traced,
                images,
                arguments,
                output,
                self._cache,
                reuse=True,
                docker={},
                on_event=self.events.append,
                parallel=parallel,
            )
        return {name: shown(value) for name, value in result.outputs.items()}

    def steps(self) -> list[Step]:
        """The steps of the last run, in the order of the graph."""
        return [
            Step(
                event.step,
                STATES[event.kind],
                self._parameters(event.step),
                {
                    name: [(one["metadata"], contents(one["uri"])) for one in listed["artifacts"]]
                    for name, listed in self.given.get(event.step, NOTHING)["inputs"]["artifacts"].items()
                },
                {name: json.dumps(value, sort_keys=True) for name, value in event.outputs.items()},
                {name: (event.metrics.get(name, {}), contents(uri)) for name, uri in event.artifacts.items()},
            )
            for event in sorted(self.events, key=lambda event: event.position)
            if event.kind in STATES
        ]

    def _parameters(self, step: str) -> dict[str, str]:
        values = self.given.get(step, NOTHING)["inputs"]["parameterValues"]
        return {name: json.dumps(value).replace(self.run_name, RUN_NAME) for name, value in values.items()}


class There:
    """Runs of the stand-in for KFP's backend."""

    def __init__(self, folder: Path) -> None:
        self._functions: dict[str, Callable[..., Any]] = {}
        self._launcher = Launcher(folder, lambda image, command: run_here(self._functions.get(image), command))
        self._backend = Backend(self._launcher)

    def run(self, traced: TracedPipeline, arguments: Mapping[str, Any]) -> Any:
        """Runs a pipeline; gives its outputs."""
        self._functions = functions(traced)
        parameters, artifacts = self._backend.run(traced.specification.text(), arguments)
        values = {name: json.dumps(json.loads(as_json(value)), sort_keys=True) for name, value in parameters.items()}
        made = {name: [self._artifact(one) for one in listed] for name, listed in artifacts.items()}
        return {**values, **{name: one[0] if len(one) == 1 else one for name, one in made.items()}}

    def steps(self) -> list[Step]:
        """The tasks of the last run."""
        return [
            Step(
                one.task,
                one.state,
                {name: json.dumps(value) for name, value in one.parameters.items()},
                {name: [self._artifact(artifact) for artifact in listed] for name, listed in one.artifacts.items()},
                {name: json.dumps(json.loads(as_json(value)), sort_keys=True) for name, value in one.outputs.items()},
                {name: self._artifact(listed[0]) for name, listed in one.made.items()},
            )
            for one in self._backend.ran
        ]

    def _artifact(self, artifact: Mapping[str, Any]) -> tuple[Any, str]:
        return json.loads(as_json(artifact["metadata"])), contents(self._launcher.path(artifact["uri"]))


NOTHING: dict[str, Any] = {"inputs": {"parameterValues": {}, "artifacts": {}}}


def contents(path: str | Path) -> str:
    """The text of an artifact that a step wrote; empty for one elsewhere."""
    return Path(path).read_text() if Path(path).is_file() else ""


def shown(value: Any) -> Any:
    """An output of a pipeline, to compare."""
    if isinstance(value, list) and value and hasattr(value[0], "uri"):
        return [shown(one) for one in value]
    return (value.metadata, contents(value.uri)) if hasattr(value, "uri") else json.dumps(value, sort_keys=True)


def same(here: Sequence[Step], there: Sequence[Step], shared: Collection[str]) -> None:
    """Compares the steps of two runs; a task that runs again here has a number of its own.

    Args:
        here: steps of a local run.
        there: steps of KFP.
        shared: names that tasks of several DAGs have.
    """
    first: dict[str, str] = {}
    for mine, theirs in zip(here, there, strict=True):
        repeated = first.setdefault(theirs.name, mine.name) != mine.name or theirs.name in shared
        assert re.fullmatch(rf"{re.escape(theirs.name)}(-\d+)?" if repeated else re.escape(theirs.name), mine.name)
        if not mine.given and not mine.artifacts:  # its outputs were reused, or it is a command of another image
            theirs = replace(theirs, given={}, artifacts={})
        assert replace(mine, name="") == replace(theirs, name="")
    assert len({step.name for step in here}) == len(here)


@pytest.mark.parametrize(("pipeline", "arguments"), CASES)
def test_a_local_run_is_that_of_kfp(
    pipeline: Any, arguments: Mapping[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(artifact_types, "_S3_LOCAL_MOUNT_PREFIX", f"{tmp_path}/s3/")
    traced = trace(pipeline)
    names = Counter(name for tasks in traced.specification.graphs() for name in tasks)
    shared = {name for name, count in names.items() if count > 1}
    here, there = Here(tmp_path / "here"), There(tmp_path)
    asks_for_state = "taskFinalStatus" in traced.specification.text()  # which KFP does not set for reused outputs
    for _ in range(1 if asks_for_state else 2):  # the second run reuses outputs
        steps.ATTEMPTS.clear()
        expected = outcome(lambda: there.run(traced, arguments))
        steps.ATTEMPTS.clear()
        given = outcome(lambda: here.run(traced, arguments, monkeypatch))
        if pipeline in nested.OTHERWISE or expected == FAILED != given:  # compiling warns of it
            assert backend_warnings(traced.specification)
            break
        assert given == expected
        same(here.steps(), there.steps(), shared)


def outcome(run: Callable[[], Any]) -> Any:
    """The outputs of a run, or that it failed."""
    try:
        return run()
    except (BackendError, FairingError) as error:
        print(error)
        return FAILED


@pytest.mark.parametrize(("pipeline", "arguments"), [case for case in CASES if not case.id.startswith("ends")])
def test_steps_side_by_side_have_the_same_names_and_values(
    pipeline: Any, arguments: Mapping[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    traced = trace(pipeline)
    results = []
    for parallel in (1, 4):
        here = Here(tmp_path / str(parallel))
        results.append((outcome(lambda: here.run(traced, arguments, monkeypatch, parallel)), here.steps()))  # noqa: B023
    if results[0][0] != FAILED:
        assert results[0] == results[1]
    assert results[0][0] == results[1][0]
