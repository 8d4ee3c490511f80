"""Kernels that do not start: the step ends, keeps the notebook, and says so."""

from __future__ import annotations

import asyncio
import html
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from types import SimpleNamespace

import pytest
from nbformat import v4, write

from fairing_kfp.runtime import notebook, rebuild
from fairing_kfp.runtime.notebook import _failing_line

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


def prepare(folder: Path, command: Sequence[str], cells: Sequence[str] = ("print(1 + 1)",)) -> None:
    """Writes a notebook whose kernel is started by a command."""
    kernel = {"name": "own", "display_name": "own", "language": "python"}
    place = folder / "jupyter" / "kernels" / "own"
    for made in (folder / "code", place):
        made.mkdir(parents=True)
    (place / "kernel.json").write_text(json.dumps({**kernel, "argv": command}))
    notebook = v4.new_notebook(cells=list(map(v4.new_code_cell, cells)), metadata={"kernelspec": kernel})
    write(notebook, folder / "code" / "notebook.ipynb")


def status_in(folder: Path) -> str:
    """The status of the notebook that ran."""
    assert json.loads((folder / "out" / "notebook").read_text())["cells"]
    status = (folder / "out" / "status").read_text()
    assert html.escape(status or "All cells ran.") in (folder / "out" / "report").read_text()
    return status


@pytest.fixture
def run_here(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> Callable[..., tuple[str, str]]:
    """Runs a notebook in this process; gives the status and the log."""

    def ran(*command: str) -> tuple[str, str]:
        prepare(tmp_path, command)
        monkeypatch.chdir(tmp_path)
        monkeypatch.setenv("JUPYTER_PATH", str(tmp_path / "jupyter"))
        monkeypatch.setattr(rebuild, "CODE", "code")
        monkeypatch.setattr(os, "environ", os.environ.copy())  # a step sets variables for its kernel
        files = {name: SimpleNamespace(path=f"out/{name}") for name in notebook.ARTIFACTS}
        notebook.Notebook("sums", {})(**files, status="out/status")
        return status_in(tmp_path), "".join(capfd.readouterr())

    return ran


@pytest.fixture
def run(tmp_path: Path) -> Callable[..., tuple[str, str]]:
    """Runs a notebook in a process of its own, which ends; gives the status and the log."""

    def ran(*command: str, before: str = "", cells: Sequence[str] = ("print(1 + 1)",)) -> tuple[str, str]:
        prepare(tmp_path, command, cells)
        environment = {name: value for name, value in os.environ.items() if name != "PYTEST_CURRENT_TEST"}
        done = subprocess.run(
            [sys.executable, "-c", PROGRAM.format(before=before)],
            cwd=tmp_path,
            # under pytest, ipykernel does not capture what child processes print
            env={**environment, "JUPYTER_PATH": str(tmp_path / "jupyter"), "TMPDIR": str(tmp_path)},
            capture_output=True,
            text=True,
            check=False,
            timeout=90,
        )
        assert done.returncode == 0, done.stderr
        return status_in(tmp_path), done.stdout + done.stderr

    return ran


KERNEL = (sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}")


def test_output_stands_in_the_log_once_and_the_failing_line_is_the_cells(run: Callable[..., tuple[str, str]]) -> None:
    """Whoever prints: Python, a magic, a child process or a library; and wherever below the cell it fails."""
    status, log = run(
        *KERNEL,
        cells=(
            "import json, os, subprocess, sys\nprint('by Python')\n!echo by a line",
            "os.system('echo by a child')\nos.write(1, b'by a library\\n')\nprint('os' in vars(), 'write' in vars())",
            "subprocess.run(['echo', 'to a stream'], stdout=sys.stdout)\nprint('to stderr', file=sys.stderr)",
            "def load(text):\n    return json.loads(text)",
            "text = '{'\nload(\n    text\n)",
        ),
    )

    assert status.startswith("cell 5: JSONDecodeError: ")
    assert status.endswith("(line 2: load()")
    for line in ("by Python", "by a line", "by a child", "by a library", "to a stream", "to stderr", "True False"):
        assert log.splitlines().count(line) == 1, log
    assert log.count("Traceback") == 1


@pytest.mark.parametrize(
    ("source", "traceback", "expected"),
    [
        ("a\nf(0)", ["Cell In[3], line 2", "----> 2 f(0)", "File ~/x.py:70, in f(x)", "---> 70 1 / x"], "line 2: f(0)"),
        ("a\nf(0)", ["Cell In[3], line 2", "Cell In[2], line 7, in f(x)", "----> 7 1 / x"], "line 2: f(0)"),
        ("def f():\n  1/0\nf()", ["Cell In[3], line 3", "Cell In[3], line 2, in f()"], "line 2: 1/0"),
        ("try: a\nexcept: b", ["Cell In[3], line 1", "During handling …:", "Cell In[3], line 2"], "line 2: except: b"),
        ("x = = 1", ["  Cell In[3], line 1", "    x = = 1", "        ^"], "line 1: x = = 1"),
        ("# c\n%%time\na\n1/0", ["Cell In[3], line 1", "File <timed exec>:2"], "line 4: 1/0"),
        ("f()", ["\x1b[36mCell\x1b[39m\x1b[36m \x1b[39m\x1b[32mIn[3]\x1b[39m\x1b[32m, line 1\x1b[39m"], "line 1: f()"),
        ("f()", ["File ~/x.py:70, in f(x)", "---> 70 1 / x"], ""),
        ("f()", ["Cell In[3], line 9"], ""),
    ],
)
def test_the_failing_line_is_one_of_the_cell(source: str, traceback: list[str], expected: str) -> None:
    cell = v4.new_code_cell(source, execution_count=3)

    assert _failing_line(cell, {"traceback": traceback}) == (f" ({expected})" if expected else "")


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
    run_here: Callable[..., tuple[str, str]], command: tuple[str, ...], says: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if "seconds" in says:
        monkeypatch.setattr(notebook, "_START_SECONDS", 2)
    status, log = run_here(*command)

    assert status.startswith("the kernel own did not start; see the log")
    assert says in status
    assert f"the notebook sums failed: {status}" in log
    assert "echo" not in " ".join(command) or "no such library" in log


def test_what_is_left_of_a_kernel_that_cannot_be_spoken_to_does_not_hang_the_step(
    run: Callable[..., tuple[str, str]], tmp_path: Path
) -> None:
    address = tmp_path / ("x" * 110)
    before = (
        "from traitlets.config import Config\n"
        f"kernel.connection = lambda: Config({{'KernelManager': {{'transport': 'ipc', 'ip': {str(address)!r}}}}})"
    )
    status, _ = run(*KERNEL, before=before)

    assert "the kernel own did not start" in status
    assert "File name too long" in status


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have no abstract sockets")
def test_ports_that_others_take_do_not_matter(run_here: Callable[..., tuple[str, str]]) -> None:
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
    status, _ = run_here(sys.executable, "-c", thief, "-f", "{connection_file}")

    assert not status


def test_a_signal_that_asyncio_drops_ends_the_notebook_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(notebook, "_REPEAT_SECONDS", 0.05)
    before = signal.getsignal(signal.SIGTERM)
    loop = asyncio.new_event_loop()
    dropped: list[dict[str, object]] = []
    loop.set_exception_handler(lambda _, context: dropped.append(context))
    loop.call_soon(signal.raise_signal, signal.SIGTERM)

    with pytest.raises(notebook._Interrupted) as caught, notebook._raising_on_signals():
        loop.run_until_complete(asyncio.sleep(30))

    loop.close()
    assert dropped
    assert caught.value.number == signal.SIGTERM
    assert signal.getsignal(signal.SIGTERM) is before
