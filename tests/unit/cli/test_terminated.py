"""SIGTERM ends commands as Ctrl-C does."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

from tests.support.processes import assert_gone

_PIPELINE = """
from kfp import dsl
from fairing_kfp import fairing_component

@fairing_component
def wait(path: str):
    import subprocess
    started = subprocess.Popen(["sleep", "600"])
    open(path, "w").write(str(started.pid))
    print("started", flush=True)
    started.wait()

@dsl.pipeline
def waits(path: str):
    wait(path=path)
"""


def test_a_run_ends_with_all_that_it_started(tmp_path: Path) -> None:
    (tmp_path / "waits.py").write_text(_PIPELINE)
    pid = tmp_path / "pid"
    command = [sys.executable, "-m", "fairing_kfp", "run", "waits.py", "-p", f"path={pid}"]
    with subprocess.Popen(
        command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        assert process.stdout is not None
        printed = ""
        for line in process.stdout:
            printed += line
            if "started" in line:
                break
        assert pid.exists(), printed
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) != 0
    assert_gone(int(pid.read_text()))
