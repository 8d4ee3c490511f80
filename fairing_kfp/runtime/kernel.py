"""The kernel that runs a notebook's cells: which one, how it is spoken to, and what it inherits."""

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
"""What child processes and libraries print, ipykernel shows in the notebook and writes to its own output, too: the log,
which has it from the notebook. A zero byte ends the thread that does so."""


def chosen(notebook: Any) -> tuple[str, list[str]]:
    """The notebook's own kernel where the image has it, else that of this Python; and arguments for it."""
    from jupyter_client.kernelspec import NATIVE_KERNEL_NAME, KernelSpecManager, NoSuchKernel

    name = notebook["metadata"]["kernelspec"]["name"]
    known = KernelSpecManager()
    try:
        specification = known.get_kernel_spec(name)
    except NoSuchKernel:
        name, specification = NATIVE_KERNEL_NAME, known.get_kernel_spec(NATIVE_KERNEL_NAME)
    # it warns of being ended after an error, and of TCP, on which no other machine can reach it
    quiet = ["--log-level=CRITICAL", f"--IPKernelApp.exec_lines={_NO_ECHO}"]
    return str(name), quiet if "ipykernel_launcher" in specification.argv else []


def sockets() -> Any:
    """What the kernel is spoken to by: on Linux by sockets that lie in no folder, whose path could be too long.

    Ports are chosen before the kernel listens on them, and meanwhile another process may take them, above all where
    steps share the network of their machine.
    """
    from traitlets.config import Config

    if sys.platform != "linux":
        return Config()
    return Config({"KernelManager": {"transport": "ipc", "ip": f"@fairing-kfp-{uuid.uuid4().hex}"}})


def prepare(declared: Mapping[str, Any]) -> None:
    """What the kernel inherits: the outputs it may record, and `fairing_kfp` where the package is not there."""
    os.environ[VARIABLE] = json.dumps(declared)
    os.environ.setdefault("PYDEVD_DISABLE_FILE_VALIDATION", "1")  # debugpy warns of frozen modules
    # a kernel of another Python finds it by this variable alone
    stand_in = os.path.join(os.path.dirname(rebuild.CODE), "runtime", "stand_in")
    found = importlib.util.find_spec("fairing_kfp")
    if found is None or (found.origin or "").startswith(stand_in):
        os.environ["PYTHONPATH"] = os.pathsep.join([os.environ.get("PYTHONPATH", ""), stand_in]).strip(os.pathsep)
