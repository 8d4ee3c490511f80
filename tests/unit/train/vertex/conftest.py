"""A stand-in for Vertex AI that runs a component's code, and a step that uses it."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from fairing_kfp import load_pipeline
from fairing_kfp.cache.store import Cache
from fairing_kfp.cluster.owner import Owner
from fairing_kfp.dependencies.pipeline_lock import PipelineLock
from fairing_kfp.local.image import unpacked_image
from fairing_kfp.pipeline.trace import trace
from fairing_kfp.settings import Settings
from fairing_kfp.train.vertex.spec import VertexJobSpec
from fairing_kfp.train.vertex.step import train
from tests.support.vertex_stand_in import PROJECT, REGION, STAGING, Ending, Vertex, run_in_process, serve_vertex
from tests.support.vertex_steps import IMAGE, PIPELINE, Login, executor_input


@dataclass
class Step:
    """A step of the component `learn`, and the stand-in.

    Attributes:
        executor_input: KFP's, with places below a test's folder.
        messages: messages in its log.
    """

    vertex: Vertex
    folder: Path
    executor_input: dict[str, Any]
    messages: list[str]
    spec: VertexJobSpec
    owner: Owner = Owner("run-1", "learn")  # noqa: RUF009 - it is immutable

    def run(self, spec: VertexJobSpec | None = None) -> None:
        train(
            spec or self.spec,
            self.executor_input,
            self.owner,
            log=self.messages.append,
            credentials=Login(),
            interval=0.05,
        )

    def output(self) -> dict[str, Any]:
        return json.loads((self.folder / "executor_output.json").read_text())


@pytest.fixture(scope="module")
def started(tmp_path_factory: pytest.TempPathFactory) -> tuple[list[str], dict[str, str]]:
    """The command and environment that start `learn` from the layers of its image."""
    cache = Cache(tmp_path_factory.mktemp("vertex-cache"))
    (source,) = (one for one in trace(load_pipeline(f"{PIPELINE}:digits")).sources.values() if one.name == "learn")
    launch = unpacked_image(source, Settings(), cache, PipelineLock(cache)).launch
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
    spec = VertexJobSpec(
        name="learn",
        image=IMAGE,
        project=PROJECT,
        region=REGION,
        staging=STAGING,
        machine="n1-standard-8",
        endpoint=vertex.endpoint,
    )
    return Step(vertex, folder, executor_input(str(folder)), [], spec)
