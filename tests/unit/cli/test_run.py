from __future__ import annotations

from pathlib import Path

from tests.golden import PIPELINES
from tests.support.command_line import fairing_kfp
from tests.support.paths import TESTS

TARGET = PIPELINES["control-flow"]
SHORT = """
from kfp import dsl
from fairing_kfp import fairing_component

@fairing_component
def say() -> None:
    print("it ran")

@dsl.pipeline
def short():
    say()
"""


def test_steps_and_outputs_are_printed_and_parameters_are_read_from_a_file(tmp_path: Path) -> None:
    (tmp_path / "params.yaml").write_text("count: 2\n")
    code, output = fairing_kfp("run", TARGET, "-p", f"@{tmp_path}/params.yaml", "-o", str(tmp_path))

    assert code == 0
    assert "▶ numbers" in output
    assert "say │ little" in output
    assert f"outputs and logs: {tmp_path}" in output


def test_quiet_prints_nothing(tmp_path: Path) -> None:
    (tmp_path / "short.py").write_text(SHORT)

    assert fairing_kfp("run", f"{tmp_path}/short.py", "-o", str(tmp_path), "-q") == (0, "")


def test_a_failed_step_prints_its_log_and_exits_with_1(tmp_path: Path) -> None:
    target = f"{TESTS}/pipelines/failing.py:failing"
    code, output = fairing_kfp("run", target, "-o", str(tmp_path))

    assert code == 1
    assert "ValueError: as it was told" in output


def test_a_malformed_parameter_is_a_usage_error(tmp_path: Path) -> None:
    code, output = fairing_kfp("run", TARGET, "-p", "count", "-o", str(tmp_path))

    assert code == 2
    assert "NAME=VALUE" in output
