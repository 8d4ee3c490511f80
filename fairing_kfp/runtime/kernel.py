"""The kernel that runs a notebook's cells: its selection, its connection and its environment."""

from __future__ import annotations

import importlib.util
import json
import os
import sys
import uuid
from collections.abc import Mapping
from typing import Any

from . import rebuild
from .record import VARIABLE

_NO_ECHO = """exec('''import os, types, ipykernel.iostream as streams
def write(file, data):
    return os.write(file, data) if data == bytes(1) else len(data)
streams.os = types.SimpleNamespace(**{**vars(os), "write": write})''', {})"""
"""Code that the kernel runs at its start. ipykernel sends the output of child processes and libraries to the notebook,
which writes it to the log, and echoes it to the kernel's own output. Without the echo it is in the log only once. The
zero byte, which stops ipykernel's thread, is still written."""


def select(notebook: Any) -> tuple[str, list[str]]:
    """The name of the notebook's kernel if the image has it, else of this Python's kernel; and the arguments for it."""
    from jupyter_client.kernelspec import NATIVE_KERNEL_NAME, KernelSpecManager, NoSuchKernel

    name = notebook["metadata"]["kernelspec"]["name"]
    known = KernelSpecManager()
    try:
        specification = known.get_kernel_spec(name)
    except NoSuchKernel:
        name, specification = NATIVE_KERNEL_NAME, known.get_kernel_spec(NATIVE_KERNEL_NAME)
    # it would warn of its termination after an error, and of TCP connections, which are local
    quiet = ["--log-level=CRITICAL", f"--IPKernelApp.exec_lines={_NO_ECHO}"]
    return str(name), quiet if "ipykernel_launcher" in specification.argv else []


def connection() -> Any:
    """The configuration of the connection to the kernel: on Linux abstract sockets, which have no path to be too long.

    TCP ports are selected before the kernel binds them, and another process may bind them first, in particular if steps
    share the network of their machine.
    """
    from traitlets.config import Config

    if sys.platform != "linux":
        return Config()
    return Config({"KernelManager": {"transport": "ipc", "ip": f"@fairing-kfp-{uuid.uuid4().hex}"}})


def prepare(declared: Mapping[str, Any]) -> None:
    """Sets the kernel's environment: the outputs that it may record, and the path of `fairing_kfp` if it is missing."""
    os.environ[VARIABLE] = json.dumps(declared)
    os.environ.setdefault("PYDEVD_DISABLE_FILE_VALIDATION", "1")  # debugpy would warn of frozen modules
    # a kernel of another Python finds the package only by this variable
    stand_in = os.path.join(os.path.dirname(rebuild.CODE), "runtime", "stand_in")
    found = importlib.util.find_spec("fairing_kfp")
    if found is None or (found.origin or "").startswith(stand_in):
        os.environ["PYTHONPATH"] = os.pathsep.join([os.environ.get("PYTHONPATH", ""), stand_in]).strip(os.pathsep)
