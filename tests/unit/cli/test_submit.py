"""`fairing-kfp submit`."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from fairing_kfp.remote import run
from fairing_kfp.remote.run import Run
from tests.support import stand_in_builder
from tests.support.command_line import fairing_kfp
from tests.support.kfp_stand_in import KfpStandIn, serve_kfp
from tests.support.paths import TESTS
from tests.support.workflow_nodes import pod_name, step

TARGET = f"{TESTS}/support/remote_pipelines.py:digits"
NODES = [*step("prepare", "CACHED", 5), *step("train", "SUCCEEDED", 10, 85)]


@pytest.fixture
def kfp(monkeypatch: pytest.MonkeyPatch) -> Iterator[KfpStandIn]:
    monkeypatch.setattr(run, "_PAUSES", (0.0, 0.0))
    monkeypatch.setenv("KUBECONFIG", "/nonexistent")
    stand_in_builder.register(monkeypatch)
    with serve_kfp() as stand_in:
        yield stand_in


def submit(kfp: KfpStandIn, *arguments: str) -> tuple[int, str]:
    return fairing_kfp("submit", TARGET, "--host", kfp.url, "--builder", "stand-in", "--name", "tonight", *arguments)


def test_a_run_is_followed_and_ends_with_a_table_of_its_steps(kfp: KfpStandIn) -> None:
    kfp.progress = [("RUNNING", step("prepare", "CACHED", 5)), ("SUCCEEDED", NODES)]
    code, output = submit(kfp, "-p", "depth=6")
    lines = output.splitlines()

    assert code == 0
    assert next(iter(kfp.runs.values())).runtime_config.parameters == {"depth": 6}
    assert any(line.startswith("▶ tonight: http://127.0.0.1") for line in lines)
    assert "↺ prepare unchanged, reusing its earlier outputs" in lines
    assert "✔ train done in 75.0 s" in lines
    assert [line.split() for line in lines[-5:]] == [
        ["step", "state", "time"],
        ["prepare", "succeeded", "(cached)"],
        ["train", "succeeded", "1", "min", "15", "s"],
        ["report", "skipped"],
        ["✔", "tonight", "succeeded"],
    ]


def test_a_failed_run_ends_with_the_log_and_exit_code_1(kfp: KfpStandIn, capsys: pytest.CaptureFixture[str]) -> None:
    kfp.progress = [("FAILED", step("train", "FAILED", 5, 9))]
    kfp.logs[pod_name("train")] = "ValueError: [no] data"
    code, output = submit(kfp)

    assert code == 1
    assert "✘ train failed in 4.0 s" in output
    assert "ValueError: [no] data" in output
    assert "/#/runs/details/" in output


def test_the_run_is_not_followed_on_request(kfp: KfpStandIn) -> None:
    code, output = submit(kfp, "--detach")

    assert code == 0
    assert f"/#/runs/details/{next(iter(kfp.runs))}" in output
    assert kfp.requests[-1] == "POST /apis/v2beta1/runs"


def test_quiet_and_detached_prints_the_id_only(kfp: KfpStandIn) -> None:
    code, output = submit(kfp, "--no-wait", "-q")

    assert (code, output) == (0, f"{next(iter(kfp.runs))}\n")


def test_ctrl_c_leaves_the_run_alone_and_tells_how_to_cancel_it(
    kfp: KfpStandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Run, "wait", interrupted)
    code, output = submit(kfp)

    assert code == 130
    assert f"fairing-kfp runs cancel {next(iter(kfp.runs))} --host {kfp.url}" in output
    assert not any("terminate" in path for path in kfp.sent("POST"))


def test_steps_of_a_run_without_cache_are_not_reused(kfp: KfpStandIn) -> None:
    submit(kfp, "--no-cache", "--detach")

    (sent,) = kfp.runs.values()
    assert {str(one["cachingOptions"]) for one in sent.pipeline_spec["root"]["dag"]["tasks"].values()} == {"{}"}


@pytest.mark.parametrize("text", ["depth", "=6"])
def test_a_malformed_parameter_is_a_usage_error(kfp: KfpStandIn, text: str) -> None:
    code, output = submit(kfp, "-p", text)

    assert code == 2
    assert "does not have the form NAME=VALUE" in output
    assert kfp.requests == []
