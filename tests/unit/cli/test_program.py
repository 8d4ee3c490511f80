"""The process of the program: its garbage collector, and how it ends."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from fairing_kfp.cli.exit_codes import USAGE

_COLLECTING = """
import gc, sys
from fairing_kfp.__main__ import main
gc.collect()
gc.callbacks.append(lambda phase, found: print(phase, found, file=sys.stderr))
try:
    main()
finally:
    gc.callbacks.clear()  # Python looks for garbage once more at its exit
"""
_FREED = """
import os

class Freed:
    def __del__(self, write=os.write):
        write(1, b"freed ")

value = Freed()
"""
_POSIX = pytest.mark.skipif(sys.platform == "win32", reason="open files are listed in /dev/fd")


def _ended(code: str, *, setup: str = "") -> tuple[str, int]:
    """What a process prints that runs code as its program, and its exit code."""
    text = f"{setup}\nfrom fairing_kfp.__main__ import run_program\nrun_program(lambda: exec({code!r}, globals()))\n"
    done = subprocess.run([sys.executable, "-c", text], stdout=subprocess.PIPE, text=True, check=False)
    return done.stdout, done.returncode


def test_no_garbage_is_collected() -> None:
    done = subprocess.run([sys.executable, "-c", _COLLECTING, "--help"], capture_output=True, text=True, check=True)

    assert "FILE:NAME" in done.stdout
    assert done.stderr == ""


def test_the_command_line_ends_with_its_exit_code(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "fairing_kfp", "run", str(tmp_path / "missing.py")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)

    assert (done.returncode, done.stdout) == (USAGE, "")
    assert done.stderr.startswith("error: the file ")


@pytest.mark.parametrize(
    ("end", "code"),
    [("", 0), ("sys.exit()", 0), ("sys.exit(3)", 3), ("sys.exit('text')", 1), ("sys.exit(True)", 1), ("1 / 0", 1)],
)
def test_exit_codes(end: str, code: int) -> None:
    assert _ended(f"import sys\nprint('out', end='')\n{end}") == ("out", code)


@_POSIX
def test_objects_are_not_freed() -> None:
    assert _ended(_FREED) == ("", 0)


@_POSIX
def test_descriptors_of_the_parent_do_not_matter() -> None:
    reads, writes = os.pipe()
    code = f"from fairing_kfp.__main__ import run_program\nrun_program(lambda: exec({_FREED!r}, globals()))\n"
    done = subprocess.run([sys.executable, "-c", code], stdout=subprocess.PIPE, pass_fds=[writes], check=True)
    os.close(reads)
    os.close(writes)

    assert done.stdout == b""


def test_objects_are_freed_after_an_error() -> None:
    assert _ended(f"{_FREED}\n1 / 0") == ("freed ", 1)


def test_files_that_were_not_closed_are_complete(tmp_path: Path) -> None:
    file = tmp_path / "log"
    printed, code = _ended(f"{_FREED}\nlog = open({str(file)!r}, 'w')\nlog.write('kept')")

    assert (printed, code) == ("freed ", 0)
    assert file.read_text() == "kept"


@_POSIX
def test_files_that_were_only_read_do_not_matter() -> None:
    assert _ended(f"{_FREED}\nfile = open({os.devnull!r})") == ("", 0)


def test_threads_and_exit_handlers_end_before(tmp_path: Path) -> None:
    code = """
import atexit, threading, time
from concurrent.futures import ThreadPoolExecutor

def work(name):
    time.sleep(0.05)
    print(name, end=" ")

atexit.register(print, "handler", end=" ")
threading.Thread(target=work, args=["thread"]).start()
pool = ThreadPoolExecutor(1)
pool.submit(work, "worker")
"""
    printed, ended = _ended(code)

    assert set(printed.split()) == {"thread", "worker", "handler"}
    assert printed.endswith("handler ")
    assert ended == 0


def test_exit_handlers_of_before_are_called() -> None:
    assert _ended("", setup="import atexit\natexit.register(print, 'before')") == ("before\n", 0)


def test_a_closed_pipe_is_reported_as_by_python() -> None:
    reads, writes = os.pipe()
    os.close(reads)
    code = "from fairing_kfp.__main__ import run_program\nrun_program(lambda: print('lost'))"
    env = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
    done = subprocess.run([sys.executable, "-c", code], stdout=writes, stderr=subprocess.PIPE, env=env, check=False)
    os.close(writes)

    assert done.returncode == 120
    assert b"BrokenPipeError" in done.stderr
