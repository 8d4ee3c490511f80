"""Kernels that do not start: the step ends, keeps the notebook, and says so."""

from __future__ import annotations

import html
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from nbformat import v4, write

PROGRAM = """
import gc, json, sys
from types import SimpleNamespace
from fairing_kfp.runtime import kernel, notebook, rebuild

{before}
rebuild.CODE = "code"
files = {{name: SimpleNamespace(path="out/" + name) for name in notebook.ARTIFACTS}}
notebook.Notebook("sums", {{}})(**files, status="out/status")
gc.collect()
"""


@pytest.fixture
def run(tmp_path: Path) -> Callable[..., tuple[str, str]]:
    """Runs a notebook whose kernel is started by a command; gives the status and the log."""

    def ran(*command: str, before: str = "") -> tuple[str, str]:
        kernel = {"name": "own", "display_name": "own", "language": "python"}
        folder = tmp_path / "jupyter" / "kernels" / "own"
        for made in (tmp_path / "code", folder):
            made.mkdir(parents=True)
        (folder / "kernel.json").write_text(json.dumps({**kernel, "argv": command}))
        cells = [v4.new_code_cell("print(1 + 1)")]
        write(v4.new_notebook(cells=cells, metadata={"kernelspec": kernel}), tmp_path / "code" / "notebook.ipynb")
        done = subprocess.run(
            [sys.executable, "-c", PROGRAM.format(before=before)],
            cwd=tmp_path,
            env={**os.environ, "JUPYTER_PATH": str(tmp_path / "jupyter"), "TMPDIR": str(tmp_path)},
            capture_output=True,
            text=True,
            check=False,
            timeout=90,
        )
        assert done.returncode == 0, done.stderr
        assert json.loads((tmp_path / "out" / "notebook").read_text())["cells"]
        status = (tmp_path / "out" / "status").read_text()
        assert html.escape(status or "All cells ran.") in (tmp_path / "out" / "report").read_text()
        return status, done.stdout + done.stderr

    return ran


KERNEL = (sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}")


def test_a_kernel_that_starts(run: Callable[..., tuple[str, str]]) -> None:
    status, log = run(*KERNEL)

    assert not status
    assert log == "2\n"


@pytest.mark.parametrize(
    ("command", "says"),
    [
        (("sh", "-c", "echo no such library; exit 1"), "Kernel died before replying"),
        (("sh", "-c", "exec sleep 50"), "Kernel didn't respond in 2 seconds"),
        (("/no/such/python",), "No such file or directory: '/no/such/python'"),
    ],
    ids=["ends", "never-answers", "missing"],
)
def test_a_kernel_that_does_not_start_is_a_status(
    run: Callable[..., tuple[str, str]], command: tuple[str, ...], says: str
) -> None:
    before = "notebook._START_SECONDS = 2" if "seconds" in says else ""
    status, log = run(*command, before=before)

    assert status.startswith("the kernel own did not start; the log may say more")
    assert says in status
    assert f"the notebook sums failed: {status}" in log
    assert "echo" not in " ".join(command) or "no such library" in log


def test_what_is_left_of_a_kernel_that_cannot_be_spoken_to_does_not_hang_the_step(
    run: Callable[..., tuple[str, str]], tmp_path: Path
) -> None:
    address = tmp_path / ("x" * 110)
    before = (
        "from traitlets.config import Config\n"
        f"kernel.sockets = lambda: Config({{'KernelManager': {{'transport': 'ipc', 'ip': {str(address)!r}}}}})"
    )
    status, _ = run(*KERNEL, before=before)

    assert "the kernel own did not start" in status
    assert "File name too long" in status


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have no abstract sockets")
def test_ports_that_others_take_do_not_matter(run: Callable[..., tuple[str, str]]) -> None:
    """A program that listens on the ports of the connection file, before the kernel can."""
    thief = (
        "import json, os, socket, sys\n"
        "taken = []\n"
        "for name, port in json.load(open(sys.argv[2])).items():\n"
        "    if name.endswith('_port'):\n"
        "        taken.append(socket.socket())\n"
        "        os.set_inheritable(taken[-1].fileno(), True)\n"
        "        try: taken[-1].bind(('127.0.0.1', port)), taken[-1].listen()\n"
        "        except PermissionError: pass\n"
        "os.execv(sys.executable, [sys.executable, '-m', 'ipykernel_launcher', *sys.argv[1:]])\n"
    )
    status, _ = run(sys.executable, "-c", thief, "-f", "{connection_file}")

    assert not status
