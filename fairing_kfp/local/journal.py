"""The journal of a run: what ran with which arguments, and the outputs of each task as it ended."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from fairing_kfp.errors import ConfigError
from fairing_kfp.frozen import dataclass
from fairing_kfp.local.content import local_path
from fairing_kfp.local.task import Task, Values

_NAME = "run.jsonl"  # of a file in the run's folder; no task has a name with a dot


@dataclass(frozen=True)
class Entry:
    """The outputs of a task that ended.

    Attributes:
        step: name of the step.
        path: names of the tasks that lead to it, and its own.
        outputs: its outputs.
        files: paths of output artifacts that existed.
    """

    step: str
    path: tuple[str, ...]
    outputs: Values
    files: tuple[str, ...]


@dataclass(frozen=True)
class Journal:
    """The journal of a run.

    Attributes:
        folder: the run's folder.
        pipeline: name of the pipeline.
        file: the file that defines it; empty if it is unknown.
        runner: the runner: `subprocess` or `docker`.
        arguments: arguments of the pipeline.
        entries: entries by step.
    """

    folder: Path
    pipeline: str
    file: str
    runner: str
    arguments: Mapping[str, Any]
    entries: Mapping[str, Entry]

    @classmethod
    def read(cls, folder: Path) -> Journal:
        """Reads the journal in the folder of a run.

        Raises:
            ConfigError: it is not the folder of a run, or the journal is damaged.
        """
        try:
            with (folder / _NAME).open(encoding="utf-8") as file:
                head = json.loads(file.readline())
                entries = {entry.step: entry for entry in _entries(file)}
            return cls(folder, head["pipeline"], head["file"], head["runner"], head["arguments"], entries)
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise ConfigError(
                f"{folder} is not the folder of a run that can be run again: {_NAME} cannot be read",
                "name a folder in local_outputs",
            ) from error


class JournalWriter:
    """Writes the journal of a run; thread-safe.

    Args:
        folder: the run's folder.
        pipeline: name of the pipeline.
        file: the file that defines it; empty if it is unknown.
        runner: the runner.
        arguments: arguments of the pipeline.
    """

    def __init__(self, folder: Path, pipeline: str, file: str, runner: str, arguments: Mapping[str, Any]) -> None:
        self._path, self._lock = folder / _NAME, threading.Lock()
        head = {"pipeline": pipeline, "file": file, "runner": runner, "arguments": dict(arguments)}
        self._write(head)

    def add(self, task: Task, outputs: Values) -> None:
        """Adds the outputs of a task that ended."""
        paths = [local_path(one["uri"]) for listed in outputs.artifacts.values() for one in listed]
        files = [str(path) for path in paths if path is not None and path.exists()]
        values = {"parameters": outputs.parameters, "artifacts": outputs.artifacts}
        self._write({"step": task.step, "path": task.path, **values, "files": files})

    def _write(self, line: Mapping[str, Any]) -> None:
        with self._lock, self._path.open("a", encoding="utf-8") as file:
            file.write(f"{json.dumps(line)}\n")


def _entries(lines: Iterator[str]) -> Iterator[Entry]:
    for line in lines:
        if not line.endswith("\n"):
            return  # the run was killed as it wrote this
        one = json.loads(line)
        values = Values(one["parameters"], one["artifacts"])
        yield Entry(one["step"], tuple(one["path"]), values, tuple(one["files"]))
