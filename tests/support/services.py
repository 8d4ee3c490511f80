"""Programs and services of integration tests.

A missing service skips its tests, with the reason; in CI (`CI=true`) it fails them.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

TESTBED = "registry.testbed:5000"
"""Host of the testbed's registry, from which the kubelet pulls."""


def missing(reason: str) -> None:
    """Skips a test because a service is missing; fails it in CI."""
    if os.environ.get("CI") == "true":
        pytest.fail(f"a service is missing in CI: {reason}")
    pytest.skip(reason)


def require_base_python() -> None:
    """Skips a test that packs for the testbed's base image with another Python than the image's."""
    if sys.version_info[:2] != (3, 11):
        missing("the testbed's base image has Python 3.11, which is not this one")


def run(*command: str, **options: Any) -> str:
    """Runs a program and returns its output; an exit code other than 0 fails the test."""
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=600, **options)
    assert done.returncode == 0, f"{' '.join(command)}: {done.stdout}{done.stderr}"
    return done.stdout


def require_program(program: str) -> str:
    """The path of a program; skips the test if it is not on PATH."""
    path = shutil.which(program)
    if path is None:
        missing(f"{program} is not on PATH")
    return path or ""


def free_port() -> int:
    """A port of the loopback interface that is free."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_until_listening(host: str, process: subprocess.Popen[bytes], log: Path) -> None:
    """Waits until a process accepts connections on `HOST:PORT`; fails with its log if it exits."""
    end = time.monotonic() + 60
    while True:
        with contextlib.suppress(OSError), socket.create_connection(host.split(":"), timeout=5):
            return
        assert process.poll() is None, log.read_text()
        assert time.monotonic() < end, log.read_text()
        time.sleep(0.02)
