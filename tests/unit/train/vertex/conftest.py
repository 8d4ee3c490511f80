"""A stand-in for Vertex AI that runs a component's code, and what a step of it is given."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from fairing_kfp import load_pipeline
from fairing_kfp.build.cache import Cache
from fairing_kfp.cluster.owner import Owner
from fairing_kfp.local.launches import in_process
from fairing_kfp.pipeline import traced
from fairing_kfp.preprocess.locks import Locks
from fairing_kfp.settings import Settings
from fairing_kfp.source import placeholders
from fairing_kfp.train.vertex.order import VertexOrder
from fairing_kfp.train.vertex.step import train
from tests.vertex_stand_in import PROJECT, REGION, STAGING, Ending, Vertex, run_in_process, serve_vertex
from tests.vertex_steps import IMAGE, PIPELINE, Login, executor_input


@dataclass
class Step:
    """A step of the component `learn`, and the stand-in.

    Attributes:
        executor_input: KFP's, with places below a test's folder.
        said: the sentences of its log.
    """

    vertex: Vertex
    folder: Path
    executor_input: dict[str, Any]
    said: list[str]
    order: VertexOrder
    owner: Owner = Owner("run-1", "learn")  # noqa: RUF009 - it is immutable

    def run(self, order: VertexOrder | None = None) -> None:
        train(
            order or self.order,
            self.executor_input,
            self.owner,
            say=self.said.append,
            credentials=Login(),
            look=0.05,
        )

    def output(self) -> dict[str, Any]:
        return json.loads((self.folder / "executor_output.json").read_text())


@pytest.fixture(scope="module")
def started(tmp_path_factory: pytest.TempPathFactory) -> tuple[list[str], dict[str, str]]:
    """How `learn` is started from the layers that its image would have."""
    cache = Cache(tmp_path_factory.mktemp("vertex-cache"))
    text = traced(load_pipeline(f"{PIPELINE}:digits"))
    (source,) = (one for one in placeholders(text).values() if one.name == "learn")
    launch = in_process(source, Settings(), cache, Locks(cache)).launch
    return launch.command, dict(launch.env)


@pytest.fixture
def vertex(
    tmp_path: Path, started: tuple[list[str], dict[str, str]], monkeypatch: pytest.MonkeyPatch
) -> Iterator[Vertex]:
    command, env = started
    root = tmp_path / "buckets"

    def run(job: Any, cancelled: threading.Event) -> Ending:
        return run_in_process(job, cancelled, root, command, env)

    with serve_vertex(root, run) as stand_in:
        monkeypatch.setenv("STORAGE_EMULATOR_HOST", stand_in.endpoint)
        yield stand_in


@pytest.fixture
def step(vertex: Vertex, tmp_path: Path) -> Step:
    folder = tmp_path / "step"
    folder.mkdir()
    (folder / "scans").write_bytes(b"scans of digits " * 10)
    order = VertexOrder(
        name="learn",
        image=IMAGE,
        project=PROJECT,
        region=REGION,
        staging=STAGING,
        machine="n1-standard-8",
        endpoint=vertex.endpoint,
    )
    return Step(vertex, folder, executor_input(str(folder)), [], order)
