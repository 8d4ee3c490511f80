"""A folder for the files of each test, with no call of Fairing before it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

import fairing_kfp.classic as fairing
from fairing_kfp.classic.work import deprecation
from fairing_kfp.classic.work.endpoint import EndpointHandle
from fairing_kfp.classic.work.job import JobHandle
from fairing_kfp.classic.work.task import ServeTask, TrainTask


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder with a script and a notebook, in which nothing was warned of yet; no cluster, no host."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(deprecation, "_warned", set())
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "none"))
    for name in ("FAIRING_KFP_HOST", "KF_PIPELINES_ENDPOINT", "FAIRING_RUNTIME"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "train.py").write_text("print('trained')\n")
    (tmp_path / "train.ipynb").write_text('{"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}')
    fairing.config.reset()
    yield tmp_path
    fairing.config.reset()


@dataclass
class RecordingPlace:
    """A place that records what it is given, and runs nothing."""

    logged: bool = False
    trained: list[TrainTask] = field(default_factory=list)
    served: list[ServeTask] = field(default_factory=list)
    access: list[tuple[Any, ...]] = field(default_factory=list)

    def train(self, task: TrainTask) -> JobHandle:
        self.trained.append(task)
        return JobHandle(task.name or "generated", lambda log_line: "result", lambda: None)

    def serve(self, task: ServeTask) -> EndpointHandle:
        self.served.append(task)
        return EndpointHandle(f"http://{task.name}.svc", lambda: None, lambda: None)  # type: ignore[arg-type,return-value]


@pytest.fixture
def place(monkeypatch: pytest.MonkeyPatch) -> RecordingPlace:
    """The place where all calls run."""
    made = RecordingPlace()

    def choose(namespace: str | None = None, **access: Any) -> RecordingPlace:
        made.access.append((namespace, access))
        return made

    monkeypatch.setattr("fairing_kfp.classic.deployers.job.job.choose", choose)
    monkeypatch.setattr("fairing_kfp.classic.deployers.kfserving.kfserving.choose", choose)
    return made
