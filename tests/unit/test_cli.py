from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from fairing_kfp.cli import main
from tests.golden import PIPELINES

_TARGET = PIPELINES["control-flow"]


def call(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(main, arguments, catch_exceptions=False)
    return result.exit_code, result.output


def test_help_names_the_commands() -> None:
    code, output = call("--help")

    assert code == 0
    assert all(word in output for word in ("compile", "explain", "run", "FILE:NAME"))


@pytest.mark.parametrize("command", ["compile", "explain", "run"])
def test_each_command_helps(command: str) -> None:
    code, output = call(command, "-h")

    assert code == 0
    assert "FILE[:NAME]" in output


def test_error_has_its_remedy_and_no_traceback(tmp_path: Path) -> None:
    code, output = call("run", str(tmp_path / "missing.py"))

    assert code == 1
    assert output.startswith("error: there is no file")
    assert "→ name a Python file" in output
    assert "Traceback" not in output


def test_compile_without_a_registry_writes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    code, output = call("compile", _TARGET, "-o", str(tmp_path / "out.yaml"))

    assert code == 1
    assert "no registry is known" in output
    assert not (tmp_path / "out.yaml").exists()


def test_explain_says_what_each_image_is_made_of() -> None:
    code, output = call("explain", _TARGET)

    assert code == 0
    assert "/opt/fairing/code/modules/shared.py" in output


def test_explain_as_json_is_json() -> None:
    code, output = call("explain", _TARGET, "--json")
    described = {item["name"]: item for item in json.loads(output)}

    assert code == 0
    assert set(described) == {"box", "judge", "last", "numbers", "say", "total"}
    assert [layer["name"] for layer in described["box"]["layers"]] == ["runtime", "code"]
    assert described["box"]["plan"] is None


def test_run_shows_steps_and_outputs(tmp_path: Path) -> None:
    code, output = call("run", _TARGET, "-p", "count=2", "-o", str(tmp_path))

    assert code == 0
    assert "▶ numbers" in output
    assert "say │ little" in output
    assert f"outputs and logs: {tmp_path}" in output


def test_quiet_run_prints_nothing(tmp_path: Path) -> None:
    assert call("run", _TARGET, "-p", "count=1", "-o", str(tmp_path), "-q") == (0, "")


def test_failed_run_ends_with_1_and_the_log(tmp_path: Path) -> None:
    target = f"{Path(__file__).parent.parent}/pipelines/failing.py:failing"
    code, output = call("run", target, "-o", str(tmp_path))

    assert code == 1
    assert "ValueError: as it was told" in output


def test_malformed_parameter_is_a_usage_error(tmp_path: Path) -> None:
    code, output = call("run", _TARGET, "-p", "count", "-o", str(tmp_path))

    assert code == 2
    assert "NAME=VALUE" in output


def test_serve_names_what_it_lacks(tmp_path: Path) -> None:
    path = tmp_path / "flow.py"
    path.write_text("import fairing_kfp")

    assert "has no predictor" in call("serve", str(path))[1]
    code, output = call("serve", str(path), "--request", "{")
    assert code == 2
    assert "it is not JSON" in output
    assert "there is no file" in call("serve", str(tmp_path / "missing.py"))[1]


def test_import_is_light() -> None:
    """The package imports nothing until it is used; kfp alone would take half a second."""
    heavy = ["kfp", "kubernetes", "rich", "click", "urllib3", "cloudpickle", "yaml", "uv", "isal"]
    code = f"import sys, fairing_kfp; print([name for name in {heavy!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout == "[]\n"


def test_every_public_name_is_there() -> None:
    import fairing_kfp

    assert fairing_kfp.__all__ == sorted(fairing_kfp.__all__)
    assert all(getattr(fairing_kfp, name) for name in fairing_kfp.__all__)


def test_explain_shows_platforms() -> None:
    both = ("--platform", "linux/amd64", "--platform", "linux/arm64")
    code, output = call("explain", _TARGET, *both)

    assert code == 0
    assert "for linux/amd64, linux/arm64" in output
    code, output = call("explain", _TARGET, *both, "--json")
    box = {item["name"]: item for item in json.loads(output)}["box"]
    assert box["platforms"] == ["linux/amd64", "linux/arm64"]
    assert [layer["platforms"] for layer in box["layers"]] == [["linux/amd64", "linux/arm64"]] * 2
