from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from fairing_kfp.local import server
from tests.support.command_line import fairing_kfp


def test_errors_name_the_cause(tmp_path: Path) -> None:
    path = tmp_path / "flow.py"
    path.write_text("import fairing_kfp")

    assert "has no predictor" in fairing_kfp("serve", str(path))[1]
    code, output = fairing_kfp("serve", str(path), "--request", "{")
    assert code == 2
    assert "invalid JSON" in output
    code, output = fairing_kfp("serve", str(path), "--request", f"@{tmp_path}/missing")
    assert code == 2
    assert "invalid JSON" not in output
    assert "No such file or directory" in output
    assert f"cannot read {tmp_path}" in output.replace("\n", "")
    assert "does not exist" in fairing_kfp("serve", str(tmp_path / "missing.py"))[1]


@pytest.mark.parametrize(
    ("options", "port"), [(["--request", "{}"], 0), (["--request", "{}", "--port", "81"], 81), ([], 8080)]
)
def test_one_request_takes_any_free_port(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, options: list[str], port: int
) -> None:
    ports: list[int] = []

    @contextlib.contextmanager
    def start_server(launch: object, model: object, *, port: int, log_line: object) -> Iterator[SimpleNamespace]:
        ports.append(port)
        endpoint = SimpleNamespace(url="http://127.0.0.1", model="echo", raw=lambda path, body: body)
        yield SimpleNamespace(endpoint=endpoint, process=SimpleNamespace(wait=lambda: None))

    monkeypatch.setattr(server, "start_server", start_server)
    monkeypatch.setattr(server, "server_image", lambda *_, **__: SimpleNamespace(warnings=(), launch=None))
    (tmp_path / "echo.py").write_text(
        "from fairing_kfp import fairing_component\n\n@fairing_component\nclass Echo:\n"
        "    def load(self, model_path: str): ...\n\n    def predict(self, instances: list): ...\n"
    )

    assert fairing_kfp("serve", f"{tmp_path}/echo.py", *options)[0] == 0
    assert ports == [port]
