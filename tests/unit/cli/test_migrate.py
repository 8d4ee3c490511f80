"""`fairing-kfp migrate`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.support.command_line import fairing_kfp

OLD = "from kubeflow import fairing\nfairing.config.set_builder('docker', registry='r')\n"
NEW = OLD.replace("from kubeflow import fairing", "from fairing_kfp import classic as fairing")


@pytest.fixture
def script(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "train.py"
    path.write_text(OLD)
    return path


def test_it_shows_the_difference_and_the_calls_and_writes_nothing(script: Path) -> None:
    code, output = fairing_kfp("migrate", "train.py")

    assert code == 0
    assert output == (
        "--- train.py\n+++ train.py\n@@ -1,2 +1,2 @@\n"
        "-from kubeflow import fairing\n+from fairing_kfp import classic as fairing\n"
        " fairing.config.set_builder('docker', registry='r')\n"
        '\nconfig.set_builder("docker")  1 call\n'
        '  train.py:2  fairing.config.set_builder("docker", …)\n'
        "  classic  the same\n"
        '  new way  builder="docker"; a Dockerfile as base_image="dockerfile:PATH"\n\n'
        "1 of 1 file would change, 1 import, 1 call; write them with --write\n"
    )
    assert script.read_text() == OLD


def test_it_writes_when_asked_to(script: Path) -> None:
    code, output = fairing_kfp("migrate", "--write", ".")

    assert (code, output.splitlines()[-1]) == (0, "1 of 1 file changed, 1 import, 1 call")
    assert script.read_text() == NEW
    code, output = fairing_kfp("migrate", "--write", ".")
    assert (code, output.splitlines()[-1]) == (0, "0 of 1 file changed, 0 imports, 1 call")


def test_check_fails_if_a_file_would_change(script: Path) -> None:
    assert fairing_kfp("migrate", "--check", ".")[0] == 1
    assert script.read_text() == OLD
    script.write_text(NEW)
    assert fairing_kfp("migrate", "--check", ".")[0] == 0
    assert fairing_kfp("migrate", "--check", "--write", ".")[0] == 2


def test_json(script: Path) -> None:
    code, output = fairing_kfp("migrate", "--json", "train.py")
    (file,) = json.loads(output)["files"]

    assert code == 0
    assert (file["path"], file["changed"], file["imports"]) == ("train.py", True, 1)
    assert file["calls"] == [
        {
            "cell": None,
            "line": 2,
            "call": 'fairing.config.set_builder("docker", …)',
            "name": "config.set_builder",
            "classic": "the same",
            "new": '`builder="docker"`; a Dockerfile as `base_image="dockerfile:PATH"`',
        }
    ]


def test_a_file_that_is_not_python_fails_after_the_others(script: Path) -> None:
    script.with_name("old.py").write_text("import fairing\nprint 'done'\n")
    code, output = fairing_kfp("migrate", "--write", ".")

    assert code == 1
    assert "error: old.py:2: " in output
    assert output.endswith("1 of 2 files changed, 1 import, 1 call, 1 failed\n")
    assert script.read_text() == NEW


def test_a_missing_path_is_an_error(script: Path) -> None:
    code, output = fairing_kfp("migrate", "train.py", "missing.py")

    assert code == 2
    assert output.startswith("error: missing.py does not exist")


def test_the_difference_is_colored_in_a_terminal(script: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    _, output = fairing_kfp("migrate", "train.py")

    assert "\x1b[31m-from kubeflow import fairing\x1b[0m" in output
    assert "\x1b[32m+from fairing_kfp import classic as fairing\x1b[0m" in output


def test_quiet_prints_errors_only(script: Path) -> None:
    assert fairing_kfp("migrate", "-q", "--write", "train.py") == (0, "")
    assert script.read_text() == NEW
