"""One step of a run: its folder, executor input, process or container, log and outputs."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fairing_kfp.display.event import Event
from fairing_kfp.errors import PipelineError
from fairing_kfp.frozen import dataclass
from fairing_kfp.local.content import IMPORTED, content_digest, local_path
from fairing_kfp.local.importer import imported
from fairing_kfp.local.launch import Launch
from fairing_kfp.local.placeholders import filled_command
from fairing_kfp.local.stop import Stop
from fairing_kfp.local.suffixes import suffix
from fairing_kfp.local.task import Artifacts, Task, Values
from fairing_kfp.local.values import as_passed, parsed
from fairing_kfp.local.volumes import Volumes

if TYPE_CHECKING:
    from fairing_kfp.cache.store import Cache
    from fairing_kfp.local.journal import JournalWriter
    from fairing_kfp.local.rerun import Rerun

_RECORDS = "steps"
_NEVER_REUSED = ("serve", "in-process")  # a server ends with its run, and code that is not packed has no digest


@dataclass(frozen=True)
class StepRunner:
    """Runs the tasks of a run; called with each.

    Attributes:
        executors: executors by label.
        launches: launches by label of the executor.
        volumes: volumes of the run.
        run: folder of the run.
        cache: keeps the outputs of steps.
        reuse: whether to reuse the outputs of earlier steps with the same code and inputs.
        on_event: called with each event.
        journal: records the outputs of tasks, if a later run may need them.
        rerun: an earlier run, of which some tasks run again.
        stop: ends the steps that run, if the run is interrupted.
    """

    executors: Mapping[str, Any]
    launches: Mapping[str, Launch]
    volumes: Volumes
    run: Path
    cache: Cache
    reuse: bool
    on_event: Callable[[Event], None]
    journal: JournalWriter | None = None
    rerun: Rerun | None = None
    stop: Stop = field(default_factory=Stop)
    _own: set[str] = field(default_factory=set)  # steps of this run run each, as on KFP, where they run side by side
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __call__(self, task: Task) -> Values | None:
        """Runs a task, or reuses its outputs. Returns the outputs, or None if it failed."""
        outputs = self.rerun.outputs_of(task) if self.rerun else None
        if self.rerun is None or outputs is None:
            outputs = self._run(task)
        elif task.component["executorLabel"] in self.launches:
            self.on_event(replace(_ended("reuse", task, outputs), text=self.rerun.journal.folder.name))
        if outputs is not None and self.journal:
            self.journal.add(task, outputs)
        return outputs

    def _run(self, task: Task) -> Values | None:
        label = task.component["executorLabel"]
        executor = self.executors[label]
        if self.volumes.handles(executor):
            return self.volumes.act(executor, task)
        if "importer" in executor:
            return imported(executor["importer"], task)
        launch, began = self.launches[label], time.monotonic()
        key = _key(launch, task) if self.reuse and task.cached and launch.runner not in _NEVER_REUSED else ""
        again = self.rerun is not None and self.rerun.runs_again(task.path)
        if not again and (found := self._earlier(key)):
            self.on_event(_ended("reuse", task, found))
            return found
        folder = self.run / task.step
        folder.mkdir()
        log = folder / "log.txt"
        given = _executor_input(task, folder)
        self.on_event(Event("start", task.step, log=str(log)))
        with log.open("w", encoding="utf-8") as file:

            def log_line(line: str) -> None:
                file.write(f"{line}\n")
                file.flush()
                self.on_event(Event("log", task.step, line))

            mounts = {**_imports(task), **self.volumes.mounts(label, task)}
            for attempt in range(1, task.attempts + 1):
                problem, outputs = self._attempt(launch, task, given, mounts, log_line)
                if not problem or attempt == task.attempts:
                    break
                log_line(f"fairing-kfp: attempt {attempt} of {task.attempts} failed: {problem}")
        seconds = time.monotonic() - began
        if problem:
            failed = Event("fail", task.step, problem, seconds, str(log), position=task.position, inputs=_inputs(task))
            self.on_event(failed)
            return None
        for name, artifacts in outputs.artifacts.items():
            if not _touch_metrics(artifacts[0]) and not Path(artifacts[0]["uri"]).exists():
                self.on_event(Event("log", task.step, f"warning: the output {name} was not written"))
        if key:
            self._record(key, outputs)
        self.on_event(_ended("succeed", task, outputs, seconds, str(log)))
        return outputs

    def _attempt(
        self,
        launch: Launch,
        task: Task,
        executor_input: dict[str, Any],
        mounts: Mapping[str, str],
        log_line: Callable[[str], None],
    ) -> tuple[str, Values]:
        """Runs a step once; gives why it failed, and its outputs."""
        written = Path(executor_input["outputs"]["outputFile"])
        written.unlink(missing_ok=True)
        code = _start(launch, executor_input, self.run, mounts, log_line, self.stop)
        if code:
            return f"exit code {code}", Values()
        if launch.has_executor and not written.is_file():
            problem = (
                "it ended without its outputs: the process or container disappeared, or its code called sys.exit()"
            )
            return problem, Values()
        try:
            return "", _outputs(task, executor_input["outputs"])
        except PipelineError as error:
            log_line(f"fairing-kfp: {error}")
            return error.message, Values()

    def _earlier(self, key: str) -> Values | None:
        """The outputs that an earlier run recorded under a key; a step of this run may record others from now on."""
        with self._lock:
            found = None if key in self._own else self._recorded(key)
            if key and found is None:
                self._own.add(key)
            return found

    def _recorded(self, key: str) -> Values | None:
        record = self.cache.record(_RECORDS, key) if key else None
        if not record or not all(Path(path).exists() for path in record["paths"]):
            return None
        return Values(record["parameters"], record["artifacts"])

    def _record(self, key: str, outputs: Values) -> None:
        uris = [artifact["uri"] for artifacts in outputs.artifacts.values() for artifact in artifacts]
        paths = [uri for uri in uris if Path(uri).exists()]
        record = {"parameters": outputs.parameters, "artifacts": outputs.artifacts, "paths": paths}
        self.cache.put_record(_RECORDS, key, record)


def _key(launch: Launch, task: Task) -> str:
    """The key of a step: its code, command, environment variables, inputs, and the types of its outputs."""
    artifacts = {
        name: [{**artifact, "content": content_digest(artifact)} for artifact in listed]
        for name, listed in task.inputs.artifacts.items()
    }
    parts = [
        launch.image,
        launch.command,
        sorted(launch.env.items()),
        launch.serving_spec,
        task.inputs.parameters,
        artifacts,
        task.component.get("outputDefinitions"),
    ]
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def _executor_input(task: Task, folder: Path) -> dict[str, Any]:
    """KFP's ExecutorInput of a step, whose outputs are in its folder."""
    outputs = task.component.get("outputDefinitions", {})
    parameters = {name: {"outputFile": str(folder / name)} for name in outputs.get("parameters", {})}
    definitions = outputs.get("artifacts", {})
    uris = {name: f"{folder / name}{suffix(name, outputs)}" for name in definitions}
    artifacts = {
        name: {"artifacts": [{"name": name, "type": one["artifactType"], "uri": uris[name], "metadata": {}}]}
        for name, one in definitions.items()
    }
    return {
        "inputs": {
            "parameterValues": task.inputs.parameters,
            "artifacts": {
                name: {"artifacts": [{key: one[key] for key in one if key != IMPORTED} for one in listed]}
                for name, listed in task.inputs.artifacts.items()
            },
        },
        "outputs": {
            "parameters": parameters,
            "artifacts": artifacts,
            "outputFile": str(folder / "executor_output.json"),
        },
    }


def _start(
    launch: Launch,
    executor_input: dict[str, Any],
    run: Path,
    mounts: Mapping[str, str],
    log_line: Callable[[str], None],
    stop: Stop,
) -> int:
    if launch.call is not None:
        return launch.call(executor_input, launch.env, log_line)
    if launch.runner == "serve":
        from fairing_kfp.local.serve_step import run_serve_step

        return run_serve_step(launch, executor_input, run, log_line, stop)
    command = filled_command(launch.command, executor_input)
    if launch.runner == "docker":
        from fairing_kfp.local.container import run_container

        env = {**launch.env, **{name: os.environ[name] for name in launch.secrets}}
        folders = {str(run.parent): str(run.parent), **mounts}
        (image,) = filled_command([launch.image], executor_input)  # a step may make the image of a later one
        if launch.has_terminal:
            from fairing_kfp.local.terminal import run_container_in_terminal

            return run_container_in_terminal(image, command, env, folders, launch.docker or {})
        return run_container(image, command, env, folders, launch.docker or {}, log_line, stop)
    if launch.has_terminal:
        from fairing_kfp.local.terminal import run_process_in_terminal

        return run_process_in_terminal(command, launch.env)
    from fairing_kfp.local.process import run_process

    return run_process(command, launch.env, log_line, stop)


def _outputs(task: Task, outputs: Mapping[str, Any]) -> Values:
    """The outputs of a step that ended: those in the file of KFP's executor, and those in files of their own.

    Raises:
        PipelineError: an output parameter was not written, or its text is not of its type.
    """
    written: Any = {}
    with contextlib.suppress(FileNotFoundError):
        written = json.loads(Path(outputs["outputFile"]).read_bytes())
    parameters = as_passed(written.get("parameterValues", {}))
    definitions = task.component.get("outputDefinitions", {}).get("parameters", {})
    for name in [name for name in definitions if name not in parameters]:
        owner = f"the output {name} of {task.step}"
        try:
            text = Path(outputs["parameters"][name]["outputFile"]).read_text(encoding="utf-8")
        except FileNotFoundError:
            raise PipelineError(f"{owner} was not written", "write it, or return a value") from None
        parameters[name] = parsed(text, definitions[name]["parameterType"], owner)
    artifacts: Artifacts = {}
    for name, listed in outputs["artifacts"].items():
        (artifact,) = listed["artifacts"]
        own = written.get("artifacts", {}).get(name, {"artifacts": [{}]})["artifacts"][0]
        metadata = as_passed(own.get("metadata") or {})
        artifacts[name] = [{**artifact, "uri": own.get("uri") or artifact["uri"], "metadata": metadata}]
    return Values(parameters, artifacts)


def _imports(task: Task) -> dict[str, str]:
    """The paths of imported artifacts, which a container does not see unless they are mounted."""
    imports = [one["uri"] for listed in task.inputs.artifacts.values() for one in listed if one.get(IMPORTED)]
    return {str(path): str(path) for path in map(local_path, imports) if path}


def _touch_metrics(artifact: Mapping[str, Any]) -> bool:
    """Creates the empty file of a metrics artifact. False for other artifacts."""
    if not artifact["type"].get("schemaTitle", "").endswith("Metrics"):
        return False
    Path(artifact["uri"]).touch()
    return True


def _ended(kind: str, task: Task, outputs: Values, seconds: float = 0.0, log: str = "") -> Event:
    artifacts = {name: listed[0] for name, listed in outputs.artifacts.items() if listed}
    return Event(
        kind,
        task.step,
        seconds=seconds,
        log=log,
        outputs=outputs.parameters,
        artifacts={name: artifact["uri"] for name, artifact in artifacts.items()},
        metrics={name: artifact["metadata"] for name, artifact in artifacts.items() if artifact["metadata"]},
        position=task.position,
        inputs=_inputs(task),
    )


def _inputs(task: Task) -> dict[str, Any]:
    """Values of input parameters, and paths of input artifacts: one, or a list of them."""
    artifacts = {name: [one["uri"] for one in listed] for name, listed in task.inputs.artifacts.items()}
    paths = {name: uris[0] if len(uris) == 1 else uris for name, uris in artifacts.items()}
    return {**task.inputs.parameters, **paths}
