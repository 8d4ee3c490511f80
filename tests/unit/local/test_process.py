"""Steps as processes."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from fairing_kfp.local.process import environment, run_process
from fairing_kfp.local.stop import Stop
from tests.support.processes import assert_gone


def test_variables_about_the_authors_python_and_notebook_are_not_inherited(monkeypatch: pytest.MonkeyPatch) -> None:
    kernel = {"MPLBACKEND", "JPY_PARENT_PID", "JPY_SESSION_NAME", "FORCE_COLOR", "PYDEVD_USE_FRAME_EVAL", "VSCODE_PID"}
    author = {"PYTHONPATH", "VIRTUAL_ENV", "FAIRING_KFP_CACHE", *kernel}
    for name in (*author, "KEPT"):
        monkeypatch.setenv(name, "x")
    env = environment(["/opt/venv/bin/python"], {"PYTHONHASHSEED": "1"})

    assert not author & env.keys()
    assert (env["KEPT"], env["PYTHONHASHSEED"]) == ("x", "1")
    assert env["PATH"].split(os.pathsep)[0] == "/opt/venv/bin"


@pytest.mark.parametrize(
    ("code", "status", "last"),
    [
        ("print('done')", 0, "done"),
        ("raise SystemExit(3)", 3, None),
        ("import os, signal; os.kill(os.getpid(), signal.SIGTERM)", 143, "killed by SIGTERM"),
    ],
)
def test_exit_codes(code: str, status: int, last: str | None) -> None:
    lines: list[str] = []

    assert run_process([sys.executable, "-c", code], {}, lines.append, Stop()) == status
    assert lines[-1:] == ([last] if last else [])


def test_what_a_step_started_ends_with_it(tmp_path: Path) -> None:
    code = "import subprocess; print(subprocess.Popen(['sleep', '600']).pid, flush=True); import time; time.sleep(600)"

    def stop(line: str) -> None:
        (tmp_path / "pid").write_text(line)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_process([sys.executable, "-c", code], {}, stop, Stop())
    assert_gone(int((tmp_path / "pid").read_text()))
