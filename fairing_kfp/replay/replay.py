"""`replay`: runs a task of a run on Kubeflow Pipelines on this machine."""

from __future__ import annotations

import contextlib
import os
import shutil
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fairing_kfp.cache.store import Cache
from fairing_kfp.display.event import Event
from fairing_kfp.errors import UnavailableError
from fairing_kfp.local.placeholders import filled_command
from fairing_kfp.local.result import RunResult, StepResult, step_error, step_result
from fairing_kfp.local.step import StepRunner
from fairing_kfp.local.task import Task, Values
from fairing_kfp.local.terminal import check_terminal
from fairing_kfp.local.volumes import Volumes
from fairing_kfp.remote.connect import connect
from fairing_kfp.remote.run import Run
from fairing_kfp.replay import post_mortem
from fairing_kfp.replay.downloads import Downloads, OnDownload
from fairing_kfp.replay.inputs import artifacts_of, parameters_of
from fairing_kfp.replay.program import Program, code_program, image_program
from fairing_kfp.replay.recording import Recording, recorded
from fairing_kfp.replay.result import Comparison, ReplayResult, compared
from fairing_kfp.settings import Settings

if TYPE_CHECKING:
    from fairing_kfp.local.launch import Launch
    from fairing_kfp.remote.connect import Kfp

# Names of folders that no task has.
_ARTIFACTS, _VOLUMES, _DEBUGGER = ".artifacts", ".volumes", ".debugger"


@dataclass(frozen=True)
class Replay:
    """A task of a run that can be replayed here.

    Attributes:
        run: the run.
        recording: the recorded step.
        program: what runs here.
        parameters: its input parameters, with defaults.
        warnings: how its program or its parameters differ from those of the run.
    """

    run: Run
    recording: Recording
    program: Program
    parameters: Mapping[str, Any]
    warnings: tuple[str, ...]
    _kfp: Kfp

    @classmethod
    def of(
        cls,
        run_id: str,
        step: str,
        *,
        iteration: tuple[int, ...] | None = None,
        code: Any = None,
        token_file: str | None = None,
        cache: Cache | None = None,
        **settings: Any,
    ) -> Replay:
        """Reads a task of a run, and prepares what runs here.

        Args:
            run_id: id of the run.
            step: name of the step.
            iteration: its iteration in a loop, or in loops in each other, the outer one first.
            code: `FILE[:NAME]`, or the result of `@dsl.pipeline`: the pipeline of the working tree whose task of
                this name runs, as a process. By default, the image of the run runs, by Docker.
            token_file: as for `submit`.
            cache: cache on disk; the user's by default.
            settings: as for `run`, and `host`, `namespace` and `ca` for Kubeflow Pipelines.

        Raises:
            KfpError: there is no such run or step, or Kubeflow Pipelines does not answer.
            PipelineError: the task runs no code, or the working tree has no such task, or one with other parameters.
            FairingError: the code cannot be packed, or its packages cannot be resolved.
        """
        start, pipeline = settings.pop("start", None), code
        if isinstance(code, str):
            from fairing_kfp.component.load import folder_of, load_pipeline

            start, pipeline = start or folder_of(code), load_pipeline(code)
        chosen = Settings.load(**settings, start=start)
        kfp = connect(chosen, token_file)
        run = Run(kfp, kfp.call(f"read the run {run_id}", kfp.client.runs.run_service_get_run, run_id=run_id))
        found = recorded(run, step, iteration)
        if pipeline is None:
            program = image_program(found)
        else:
            program = code_program(found, pipeline, chosen, cache or Cache(), start)
        warnings = [*program.warnings]
        parameters = parameters_of(found, program.component, warnings.append)
        return cls(run, found, program, parameters, tuple(warnings), kfp)

    def start(
        self,
        output: str | os.PathLike[str] = "local_outputs",
        *,
        debug: bool = False,
        on_event: Callable[[Event], None],
        on_download: OnDownload = lambda artifact, count: None,
        cache: Cache | None = None,
    ) -> ReplayResult:
        """Downloads the input artifacts, and runs the task.

        Args:
            output: folder in which to create the replay's folder, and to download artifacts, each once.
            debug: whether the task has this terminal, with pdb at the exception that it ends with.
            on_event: called with each event.
            on_download: called as input artifacts are downloaded.
            cache: cache on disk; the user's by default.

        Raises:
            StepFailedError: the task failed; its attribute `log` is the task's log.
            ConfigError: there is no terminal for the debugger, or the folder cannot be written.
            PipelineError: the component of the working tree has an input artifact that the run did not record.
            KfpError: an input artifact cannot be reached.
            UnavailableError: the task runs in its image, and Docker does not answer.
        """
        if debug:
            check_terminal()
        recording, program, name = self.recording, self.program, self.recording.step.name

        def warn(text: str) -> None:
            on_event(Event("warn", name, text))

        for text in self.warnings:
            warn(text)
        if program.launch.runner == "docker":
            given = {"inputs": {"parameterValues": self.parameters, "artifacts": {}}, "outputs": {"outputFile": ""}}
            (image,) = filled_command([program.launch.image], given)  # a parameter may name it
            _pull(image)
        downloads = Downloads(Path(output).absolute() / _ARTIFACTS, on_download)
        artifacts = artifacts_of(recording, program.component, self._kfp, downloads, warn)
        folder = _new_folder(Path(output).absolute(), self.run, name)
        launch = _with_debugger(program.launch, folder) if debug else program.launch
        ended: list[StepResult] = []

        def collect(event: Event) -> None:
            result = step_result(event)
            if result:
                ended.append(result)
            on_event(event)

        label = program.component["executorLabel"]
        volumes = Volumes(program.specification, folder / _VOLUMES, folder.name)
        task = Task(
            name, program.component, Values(dict(self.parameters), artifacts), False, 1, lambda source: "volume"
        )
        runner = StepRunner(
            program.specification.executors, {label: launch}, volumes, folder, cache or Cache(), False, collect
        )
        outputs = runner(task)
        (step,) = ended
        if outputs is None:
            raise step_error(step, RunResult(folder, {}, (step,)))
        return ReplayResult(folder, step, self._compared(step) if recording.step.state == "succeeded" else ())

    def _compared(self, step: StepResult) -> tuple[Comparison, ...]:
        execution = self.recording.execution
        metadata = {key: one.metadata for key, one in execution.artifacts.items() if one.metadata}
        return compared(execution.outputs, metadata, step)


def _new_folder(output: Path, run: Run, step: str) -> Path:
    folder = output / f"replay-{step}-{run.id[:8]}-{time.strftime('%Y%m%d-%H%M%S')}-{time.monotonic_ns() % 10_000:04}"
    folder.mkdir(parents=True)
    return folder


def _pull(image: str) -> None:
    """Has the engine pull an image, before anything is downloaded.

    Raises:
        UnavailableError: the docker package is not installed, or no engine answers.
        StepFailedError: the image cannot be pulled.
    """
    from fairing_kfp.local.container import docker_client, pulled_image

    try:
        client = docker_client()
    except UnavailableError as error:
        remedy = f"{error.remedy}; or run the working tree's code of the task, without Docker: --code FILE"
        raise UnavailableError(error.message, remedy) from error
    with contextlib.closing(client):
        pulled_image(client, image)


def _with_debugger(launch: Launch, folder: Path) -> Launch:
    """A launch with this terminal, and with pdb at the exception that the step ends with."""
    debugger = folder / _DEBUGGER
    debugger.mkdir()
    shutil.copy(post_mortem.__file__, debugger / "sitecustomize.py")
    paths = [str(debugger), *filter(None, [launch.env.get("PYTHONPATH")])]
    return replace(launch, has_terminal=True, env={**launch.env, "PYTHONPATH": os.pathsep.join(paths)})
