"""The running notebook. Its kernel does not know its path, but the program that started the kernel may."""

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
    """Finds the file of the notebook whose cell is running.

    VS Code puts the path into the kernel's namespace, and Jupyter servers from 2.0 on put it into the kernel's
    environment. Earlier servers return it to requests with the token that they store for this user. papermill has it
    on its command line.

    Args:
        namespace: the globals of the cell.

    Raises:
        ComponentError: none of these has the path.
    """
    for found in (_from_vs_code(namespace), _from_session_name(), _from_papermill(), *_from_servers()):
        if found is not None and found.suffix == ".ipynb" and found.is_file():
            return found
    raise ComponentError(
        "the path of the running notebook is unknown" if _kernel_id() else "this is not a notebook",
        'give the path: fairing_component.from_notebook("train.ipynb", …)',
    )


def _from_vs_code(namespace: Mapping[str, Any]) -> Path | None:
    name = namespace.get("__vsc_ipynb_file__")
    return Path(name) if isinstance(name, str) else None


def _from_session_name() -> Path | None:
    """jupyter_server ≥ 2 starts kernels with the notebook's full path in JPY_SESSION_NAME (sessionmanager.py)."""
    name = os.environ.get("JPY_SESSION_NAME")
    return Path(name).absolute() if name and _kernel_id() else None


def _from_papermill() -> Path | None:
    """The first argument that is a notebook, if the kernel's parent is the papermill command."""
    try:
        words = [os.fsdecode(word) for word in Path(f"/proc/{os.getppid()}/cmdline").read_bytes().split(b"\0")]
        folder = Path(f"/proc/{os.getppid()}/cwd").resolve(strict=True)
    except OSError:  # not Linux, or a process of another user
        return None
    places = [n for n, word in enumerate(words[:4]) if Path(word).name == "papermill"]
    if not _kernel_id() or not places:
        return None
    # the input precedes the output, and values of options are not notebooks
    given = next((word for word in words[places[0] + 1 :] if word.endswith(".ipynb")), None)
    return folder / given if given else None


def _from_servers() -> Iterator[Path | None]:
    """The notebooks that this user's Jupyter servers run with the kernel; only local servers are asked."""
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
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))  # the token must not reach a proxy
    try:
        with opener.open(request, timeout=_TIMEOUT) as answer:
            sessions = json.load(answer)
    except (OSError, ValueError):  # it has stopped, or requires another login
        return
    for session in sessions:
        if session.get("kernel", {}).get("id") == kernel:
            yield (session.get("notebook") or session).get("path", "")


def _kernel_id() -> str:
    """The ID of this kernel; empty if this process is not a kernel."""
    application = getattr(sys.modules.get("ipykernel.kernelapp"), "IPKernelApp", None)
    if application is None or not application.initialized():
        return ""
    found = re.search(r"kernel-([^/\\]+)\.json$", application.instance().connection_file)
    return found[1] if found else "unknown"


def _runtime_folder() -> Path:
    from jupyter_core.paths import jupyter_runtime_dir  # a dependency of all kernels

    return Path(jupyter_runtime_dir())
