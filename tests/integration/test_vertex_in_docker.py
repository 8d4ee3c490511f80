"""A training step on Vertex AI in our own image; the stand-in runs the component's image with Docker."""

from __future__ import annotations

import json
import os
import re
import subprocess
import threading
import uuid
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import fairing_kfp
from fairing_kfp.cache.store import Cache
from fairing_kfp.pipeline.builtin_steps import train_spec_of
from fairing_kfp.train.vertex.spec import VertexJobSpec
from tests.support.vertex_stand_in import Ending, serve_vertex
from tests.support.vertex_steps import PIPELINE, executor_input, login
from tests.support.yaml_documents import documents

pytestmark = [pytest.mark.registry, pytest.mark.docker]

_US = ["--user", f"{os.getuid()}:{os.getgid()}"]


def _docker(*arguments: str) -> tuple[int, str]:
    done = subprocess.run(
        ["docker", "run", "--rm", "--network", "host", *arguments],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


def test_it_trains_as_kfp_and_vertex_run_it(
    docker_engine: Callable[..., str], publishing: dict[str, Any], shared_cache: Cache, tmp_path: Path
) -> None:
    compiled = fairing_kfp.compile(
        fairing_kfp.load_pipeline(f"{PIPELINE}:digits"),
        cache=shared_cache,
        project=f"vertex-{uuid.uuid4().hex[:8]}",
        **publishing,
    )
    executors = documents(compiled.text)[0]["deploymentSpec"]["executors"]
    ours = executors["exec-learn"]["container"]
    ordered = train_spec_of(ours)
    assert isinstance(ordered, VertexJobSpec)
    assert ours["image"] == compiled.images["fairing-kfp-vertex"]
    buckets, stores = tmp_path / "buckets", tmp_path / "minio"
    stores.mkdir()
    (stores / "scans").write_bytes(b"scans of digits " * 10)
    logs: list[str] = []

    def run(job: Any, cancelled: threading.Event) -> Ending:
        for pool in job.job_spec.worker_pool_specs:
            container = pool.container_spec
            command, *rest = container.command
            start = ["--entrypoint", command, container.image_uri, *rest, *container.args]
            code, log = _docker(*_US, "--volume", f"{buckets}:/gcs", *start)
            logs.append(log)
            if code:
                return 3, log
        return 0, ""

    with serve_vertex(buckets, run) as vertex:
        spec = replace(ordered, endpoint=vertex.endpoint)
        variables = {
            "STORAGE_EMULATOR_HOST": vertex.endpoint,
            "GOOGLE_APPLICATION_CREDENTIALS": "/login/login.json",
        }
        login(tmp_path, vertex.endpoint)
        given = executor_input("minio:/", "/minio/given")
        code, log = _docker(
            *_US,
            *(text for name, value in variables.items() for text in ("--env", f"{name}={value}")),
            *("--volume", f"{stores}:/minio", "--volume", f"{tmp_path}/login.json:/login/login.json:ro"),
            *(ours["image"], *ours["command"]),
            *("--executor_input", json.dumps(given), "--order", spec.text()),
        )

    assert code == 0, log
    assert re.search(r" succeeded; downloaded \d\.\d kB of outputs", log), log
    assert (stores / "model" / "deep" / "weights").read_bytes() == (b"scans of digits " * 10)[::-1]
    output = json.loads((stores / "given" / "executor_output.json").read_text())
    assert output["parameterValues"] == {"Output": 160}
    assert output["artifacts"]["model"]["artifacts"][0]["uri"] == "minio://model"
    assert vertex.objects() == []
    assert len(logs) == 2
