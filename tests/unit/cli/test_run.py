from __future__ import annotations

import json
from pathlib import Path

from click.testing import CliRunner

from fairing_kfp.cli import main
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


def test_json_and_the_report_tell_what_ran(tmp_path: Path) -> None:
    target = f"{TESTS}/pipelines/failing.py:failing"
    given = ["run", target, "-o", str(tmp_path), "--json", "--report", f"{tmp_path}/report.html"]
    done = CliRunner().invoke(main, given, catch_exceptions=False)
    found = json.loads(done.stdout)
    step = found["steps"][-1]

    assert done.exit_code == 1
    assert (found["state"], found["pipeline"]) == ("failed", "failing")
    assert found["folder"].startswith(str(tmp_path))
    assert step["state"] == "failed"
    assert "ValueError" in Path(step["log"]).read_text()
    assert "error: the step" in done.stderr
    page = (tmp_path / "report.html").read_text()
    assert "ValueError: as it was told" in page
    assert page.startswith("<!doctype html>")


def test_a_report_that_cannot_be_written_is_named_before_anything_runs(tmp_path: Path) -> None:
    (tmp_path / "short.py").write_text(SHORT)
    report = f"{tmp_path}/short.py/report.html"
    code, output = fairing_kfp("run", f"{tmp_path}/short.py", "-o", f"{tmp_path}/runs", "--report", report)

    assert code == 2
    assert "cannot write" in output
    assert not (tmp_path / "runs").exists()


def test_attestations_are_not_offered_for_images_that_stay_here() -> None:
    code, output = fairing_kfp("run", TARGET, "--attest")

    assert code == 2
    assert "No such option" in output


def test_prints_of_functions_are_not_among_json(tmp_path: Path) -> None:
    (tmp_path / "short.py").write_text(SHORT)
    given = ["run", f"{tmp_path}/short.py", "-o", str(tmp_path), "--in-process", "--json"]
    done = CliRunner().invoke(main, given, catch_exceptions=False)

    assert json.loads(done.stdout)["state"] == "succeeded"
    assert "it ran" in done.stderr
    assert fairing_kfp("run", TARGET, "--in-process", "--runner", "docker")[0] == 2
