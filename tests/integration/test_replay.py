"""Replays of steps in their images, with inputs from an S3-compatible store."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import fairing_kfp
from tests.pipelines.replayed import replayed
from tests.support.kfp_driver import Store
from tests.support.kfp_stand_in import serve_kfp
from tests.support.ml_metadata import StoredArtifact, StoredExecution
from tests.support.s3_server import s3_server
from tests.support.terminals import shown_until
from tests.support.workflow_nodes import step

pytestmark = [pytest.mark.docker, pytest.mark.registry]


def test_a_step_fails_in_its_image_as_on_kfp_and_pdb_opens_there(
    publishing: dict[str, Any],
    docker_engine: Callable[..., str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    model, data = (
        StoredArtifact("s3://replayed/model", "system.Model", {"epochs": 3.0}),
        StoredArtifact("s3://replayed/d"),
    )
    with serve_kfp() as kfp, s3_server() as store:
        for path, content in {"replayed": b"", "replayed/model": b"6", "replayed/d/a.csv": b""}.items():
            Store(store).put(path, content)
        for name, value in {
            "AWS_ENDPOINT_URL": store,
            "AWS_ACCESS_KEY_ID": "made-up",
            "AWS_SECRET_ACCESS_KEY": "made-up",
            "AWS_REGION": "us-east-1",
            "FAIRING_KFP_HOST": kfp.url,
        }.items():
            monkeypatch.setenv(name, value)
        kfp.progress = [("FAILED", step("evaluate", "FAILED", 20, 22))]
        run = fairing_kfp.submit(replayed, **publishing)
        inputs = {"again": model, "model": model, "data": data}
        kfp.metadata.runs[run.id] = [
            StoredExecution(""),
            StoredExecution("evaluate", outputs={}, inputs=inputs, parameters={"depth": 0.0, "note": "here"}),
        ]
        ours, theirs = pty.openpty()
        command = ["fairing_kfp", "replay", run.id, "evaluate", "-o", str(tmp_path), "--debug"]
        process = subprocess.Popen([sys.executable, "-m", *command], stdin=theirs, stdout=theirs, stderr=theirs)
        os.close(theirs)
        try:
            shown = shown_until(ours, "(Pdb) ")
            assert "here all 3 True" in shown
            assert "ZeroDivisionError" in shown
            os.write(ours, b"p files, model.path\n")
            assert f"(1, '{tmp_path}/.artifacts/" in shown_until(ours, "(Pdb) ")
            os.write(ours, b"q\n")
            assert "the step evaluate failed" in shown_until(ours, "")
            assert process.wait() == 1
        finally:
            process.kill()
            os.close(ours)
