"""The running notebook, found from within real kernels."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from jupyter_client.blocking import BlockingKernelClient
from jupyter_client.manager import start_new_kernel
from nbformat import read, v4, write

from fairing_kfp.errors import ComponentError
from fairing_kfp.preprocess.notebooks.current import current_notebook
from tests.support.paths import TOP

ASK = (
    "from fairing_kfp.preprocess.notebooks.current import current_notebook\nprint(current_notebook(globals()), end='')"
)


@pytest.fixture
def notebook(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A notebook, with a Jupyter runtime folder of its own."""
    for name in [name for name in os.environ if name.startswith(("JPY_", "JUPYTER_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("JUPYTER_RUNTIME_DIR", str(tmp_path / "runtime"))
    monkeypatch.setenv("PYTHONPATH", str(TOP))
    path = tmp_path / "work" / "train.ipynb"
    path.parent.mkdir()
    write(v4.new_notebook(cells=[v4.new_code_cell(ASK)]), path)
    return path


def asked(client: Any, code: str = ASK) -> str:
    """The output of code in a kernel."""
    printed: list[str] = []

    def hear(message: Any) -> None:
        content = message["content"]
        printed.append(content.get("text", "") or "\n".join(content.get("traceback", ())))

    client.execute_interactive(code, output_hook=hear, timeout=600)
    return "".join(printed)


def wait(client: BlockingKernelClient) -> None:
    """Waits for a kernel of another process; on a busy machine a late heartbeat looks like its end."""
    for _ in range(30):
        with contextlib.suppress(RuntimeError):
            client.wait_for_ready(timeout=60)
            return
    raise AssertionError("the kernel does not answer")


def test_vs_code_has_the_path_in_the_namespace(notebook: Path) -> None:
    assert current_notebook({"__vsc_ipynb_file__": str(notebook)}) == notebook


def test_a_script_is_not_a_notebook(notebook: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JPY_SESSION_NAME", str(notebook))  # inherited from a kernel, by a script that it started

    with pytest.raises(ComponentError, match="this is not a notebook"):
        current_notebook({})


def test_an_unknown_kernel_is_an_error(notebook: Path) -> None:
    manager, client = start_new_kernel(600, cwd=str(notebook.parent))
    try:
        assert "the path of the running notebook is unknown" in asked(client)
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)


def test_papermill_has_the_path_on_its_command_line(notebook: Path) -> None:
    command = [
        sys.executable,
        "-m",
        "papermill",
        "train.ipynb",
        "out.ipynb",
        "--no-progress-bar",
        "-k",
        "python3",
        "--start-timeout=600",
    ]
    subprocess.run(command, cwd=notebook.parent, check=True, capture_output=True, timeout=600)

    assert read(notebook.parent / "out.ipynb", as_version=4).cells[0].outputs[0].text == str(notebook)


def is_listening(host: str, port: int) -> bool:
    """Whether a server accepts connections."""
    with contextlib.suppress(OSError), socket.create_connection((host, port), timeout=60):
        return True
    return False


@pytest.fixture
def server(notebook: Path) -> Iterator[tuple[str, str]]:
    """A Jupyter server on this machine; its address and its token."""
    token = secrets.token_hex(8)
    command = [sys.executable, "-m", "jupyter_server", "--no-browser", "--allow-root", "--ip=127.0.0.1", "--port=0"]
    options = [f"--IdentityProvider.token={token}", f"--ServerApp.root_dir={notebook.parent}"]
    with subprocess.Popen([*command, *options], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            folder = notebook.parent.parent / "runtime"
            while not (written := "".join(one.read_text() for one in folder.glob("jpserver-*.json"))).endswith("}"):
                assert process.poll() is None
                time.sleep(0.1)
            address = urlsplit(url := json.loads(written)["url"])
            while not is_listening(address.hostname or "", address.port or 80):  # the file comes first
                assert process.poll() is None
                time.sleep(0.1)
            yield url, token
        finally:
            process.terminate()


def test_jupyter_servers_have_the_path(notebook: Path, server: tuple[str, str]) -> None:
    url, token = server
    session = {"path": "train.ipynb", "type": "notebook", "name": "train", "kernel": {"name": "python3"}}
    headers = {"Authorization": f"token {token}", "Content-Type": "application/json"}
    request = urllib.request.Request(f"{url}api/sessions", json.dumps(session).encode(), headers)
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(request, timeout=600) as answer:
        kernel = json.load(answer)["kernel"]["id"]
    client = BlockingKernelClient()
    client.load_connection_file(str(notebook.parent.parent / "runtime" / f"kernel-{kernel}.json"))
    client.start_channels()
    try:
        wait(client)
        assert asked(client) == str(notebook)  # by JPY_SESSION_NAME
        without = "import os\ndel os.environ['JPY_SESSION_NAME']\n"
        assert asked(client, without + ASK) == str(notebook)  # as with earlier ones, by the server's sessions
    finally:
        client.stop_channels()
