"""The notebook that is being worked in. Its kernel does not know it; what started the kernel may have said."""

from __future__ import annotations

import json
import os
import re
import sys
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from fairing_kfp.errors import ComponentError

_LOOPBACK = ("localhost", "127.0.0.1", "::1")
_TIMEOUT = 3  # seconds


def current_notebook(namespace: Mapping[str, Any]) -> Path:
    """The file of the notebook whose cell is running.

    Known are VS Code, which puts it into the kernel's namespace; Jupyter servers from 2.0 on, which name it in the
    kernel's environment; earlier ones, which tell it to who has the token that they keep for this user; and papermill,
    whose command line has it. Nothing is guessed.

    Args:
        namespace: the globals of the cell.

    Raises:
        ComponentError: it cannot be known.
    """
    for found in (_of_vs_code(namespace), _of_session_name(), _of_papermill(), *_of_servers()):
        if found is not None and found.suffix == ".ipynb" and found.is_file():
            return found
    raise ComponentError(
        "which notebook this is cannot be known here" if _kernel_id() else "this is not a notebook",
        'name it: fairing_component.from_notebook("train.ipynb", …)',
    )


def _of_vs_code(namespace: Mapping[str, Any]) -> Path | None:
    name = namespace.get("__vsc_ipynb_file__")
    return Path(name) if isinstance(name, str) else None


def _of_session_name() -> Path | None:
    """jupyter_server ≥ 2 starts kernels with the notebook's full path in JPY_SESSION_NAME (sessionmanager.py)."""
    name = os.environ.get("JPY_SESSION_NAME")
    return Path(name).absolute() if name and _kernel_id() else None


def _of_papermill() -> Path | None:
    """The kernel's parent, when it is papermill's command: its first argument that is a notebook."""
    try:
        words = [os.fsdecode(word) for word in Path(f"/proc/{os.getppid()}/cmdline").read_bytes().split(b"\0")]
        folder = Path(f"/proc/{os.getppid()}/cwd").resolve(strict=True)
    except OSError:  # no Linux, or another's process
        return None
    places = [n for n, word in enumerate(words[:4]) if Path(word).name == "papermill"]
    if not _kernel_id() or not places:
        return None
    # the input comes before the output, and options' values are no notebooks
    given = next((word for word in words[places[0] + 1 :] if word.endswith(".ipynb")), None)
    return folder / given if given else None


def _of_servers() -> Iterator[Path | None]:
    """What the Jupyter servers of this user say of the kernel; only those on this machine are asked."""
    kernel = _kernel_id()
    for file in sorted(_runtime_folder().glob("*server-*.json")) if kernel else ():
        try:
            server = json.loads(file.read_text(encoding="utf-8"))
            address = urllib.parse.urlsplit(server["url"])
            root = Path(server.get("root_dir") or server["notebook_dir"])
        except (OSError, ValueError, KeyError, TypeError):
            continue
        if address.hostname in _LOOPBACK and address.scheme == "http":
            yield from (root / session for session in _sessions(server, str(kernel)))


def _sessions(server: Mapping[str, Any], kernel: str) -> Iterator[str]:
    """The paths of the notebooks that a server runs with a kernel."""
    request = urllib.request.Request(  # noqa: S310 - http on this machine
        f"{str(server['url']).rstrip('/')}/api/sessions", headers={"Authorization": f"token {server.get('token', '')}"}
    )
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))  # the token is for this machine alone
    try:
        with opener.open(request, timeout=_TIMEOUT) as answer:
            sessions = json.load(answer)
    except (OSError, ValueError):  # it has ended, or wants another login
        return
    for session in sessions:
        if session.get("kernel", {}).get("id") == kernel:
            yield (session.get("notebook") or session).get("path", "")


def _kernel_id() -> str:
    """The identifier of the kernel that this process is; empty when it is none."""
    application = getattr(sys.modules.get("ipykernel.kernelapp"), "IPKernelApp", None)
    if application is None or not application.initialized():
        return ""
    found = re.search(r"kernel-([^/\\]+)\.json$", application.instance().connection_file)
    return found[1] if found else "unknown"


def _runtime_folder() -> Path:
    from jupyter_core.paths import jupyter_runtime_dir  # where there is a kernel there is jupyter_core

    return Path(jupyter_runtime_dir())
