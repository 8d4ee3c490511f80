"""One step of a local run, as the process that kfp.local's SubprocessRunner starts.

It gives the step output folders of its own (kfp.local gives all runs of one component the same), runs it here or in
a container, keeps its log, and makes sure that its outputs are there before it says that all is well.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fairing_kfp.local.event import Event

RUN_FOLDER = "FAIRING_KFP_RUN_FOLDER"
"""The variable that names the run's folder. Not an argument: kfp rewrites `python3` in those."""


@dataclass(frozen=True)
class Launch:
    """How a component's steps are started.

    Attributes:
        name: the step's name.
        runner: `subprocess`, `docker`, or `serve` for a predictor.
        command: the command without its arguments.
        env: the variables of the image or the task.
        image: the image by digest, for `docker`.
        docker: further arguments of docker's `containers.create`.
        secrets: the names of variables that are handed on from here; their values are written nowhere.
        serves: the order of a serve step.
    """

    name: str
    runner: str
    command: list[str]
    env: dict[str, str]
    image: str = ""
    docker: dict[str, Any] | None = None
    secrets: tuple[str, ...] = ()
    serves: str = ""

    @classmethod
    def read(cls, run: Path, key: str) -> Launch:
        """Reads what `write` wrote."""
        return cls(**json.loads((run / ".launch" / f"{key}.json").read_bytes()))

    def write(self, run: Path, key: str) -> None:
        """Writes it for the launcher to find."""
        folder = run / ".launch"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{key}.json").write_text(json.dumps(self.__dict__))


def main(arguments: list[str]) -> int:
    """Runs one step: `launcher KEY … EXECUTOR_INPUT`; gives its exit code."""
    key, executor_input = arguments[0], json.loads(arguments[-1])
    run = Path(os.environ[RUN_FOLDER])
    launch = Launch.read(run, key)
    step, folder = _own_folder(run, launch.name)
    original = Path(executor_input["outputs"]["outputFile"]).parent
    own_input = executor_input | {"outputs": _moved(executor_input["outputs"], f"{original}/", f"{folder}/")}
    log = folder / "log.txt"
    _say(Event("start", step, log=str(log)))
    began = time.monotonic()
    with log.open("w", encoding="utf-8") as kept:

        def show(line: str) -> None:
            kept.write(f"{line}\n")
            kept.flush()
            _say(Event("log", step, line))

        code = _start(launch, own_input, run, show)
    seconds = time.monotonic() - began
    problem = f"exit code {code}" if code else _missing(own_input)
    if problem:
        _say(Event("fail", step, problem, seconds, str(log)))
        return code or 1
    _hand_over(executor_input, own_input)
    made = json.loads(Path(own_input["outputs"]["outputFile"]).read_bytes())
    artifacts = {name: value["artifacts"][0] for name, value in made.get("artifacts", {}).items()}
    for name, artifact in artifacts.items():
        if not Path(artifact["uri"]).exists() and not _only_metadata(own_input, name):
            _say(Event("log", step, f"warning: the output {name} was not written"))
    _say(
        Event(
            "succeed",
            step,
            seconds=seconds,
            log=str(log),
            outputs=made.get("parameterValues", {}),
            artifacts={name: artifact["uri"] for name, artifact in artifacts.items()},
            metrics={name: artifact["metadata"] for name, artifact in artifacts.items() if artifact["metadata"]},
        )
    )
    return 0


def _start(launch: Launch, executor_input: dict[str, Any], run: Path, show: Any) -> int:
    if launch.runner == "serve":
        from fairing_kfp.serving.local import serve_here

        return serve_here(launch, executor_input, run, show)
    command = [*launch.command, "--executor_input", json.dumps(executor_input)]
    if launch.runner == "docker":
        from fairing_kfp.local.container import run_container

        env = {**launch.env, **{name: os.environ[name] for name in launch.secrets}}
        return run_container(launch.image, command, env, run.parent, launch.docker or {}, show)
    from fairing_kfp.local.process import run_process

    return run_process(command, launch.env, show)


def _own_folder(run: Path, name: str) -> tuple[str, Path]:
    """A fresh folder for this run of the step, and what the step is called in messages."""
    number = 1
    while True:
        step = name if number == 1 else f"{name}-{number}"
        try:
            (run / step).mkdir()
        except FileExistsError:
            number += 1
        else:
            return step, run / step


def _moved(value: Any, old: str, new: str) -> Any:
    """The value with every string that begins with one folder beginning with the other."""
    if isinstance(value, dict):
        return {key: _moved(item, old, new) for key, item in value.items()}
    if isinstance(value, list):
        return [_moved(item, old, new) for item in value]
    return new + value[len(old) :] if isinstance(value, str) and value.startswith(old) else value


def _missing(executor_input: dict[str, Any]) -> str:
    """Which output is not there although the step ended well."""
    output = Path(executor_input["outputs"]["outputFile"])
    if not output.is_file():
        return "it ended without its outputs: the process or container vanished, or its code left with sys.exit()"
    return ""


def _only_metadata(executor_input: dict[str, Any], name: str) -> bool:
    """Whether an artifact is of a kind that has no file (metrics); it gets an empty one, to be there for reuse."""
    artifact = executor_input["outputs"]["artifacts"][name]["artifacts"][0]
    if not artifact["type"].get("schemaTitle", "").endswith("Metrics"):
        return False
    Path(artifact["uri"]).touch()
    return True


def _hand_over(executor_input: dict[str, Any], own_input: dict[str, Any]) -> None:
    """Puts outputs where kfp.local looks for them; artifacts stay, as they are found by the URIs in the output."""
    theirs = [executor_input["outputs"]["outputFile"]]
    ours = [own_input["outputs"]["outputFile"]]
    for name, parameter in executor_input["outputs"].get("parameters", {}).items():
        theirs.append(parameter["outputFile"])
        ours.append(own_input["outputs"]["parameters"][name]["outputFile"])
    for target, source in zip(theirs, ours, strict=True):
        Path(target).unlink(missing_ok=True)
        if Path(source).is_file():
            Path(target).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, target)


def _say(event: Event) -> None:
    print(event.line(), flush=True)  # noqa: T201 - kfp.local hands it on


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
