"""The page about a local run."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

import fairing_kfp
from fairing_kfp.errors import ConfigError, StepFailedError
from fairing_kfp.local.details import ImageDetails, RunDetails
from fairing_kfp.local.report import report_page
from fairing_kfp.local.result import RunResult, StepResult

_DOCUMENT = {
    "pipelineInfo": {"name": "digits"},
    "root": {
        "inputDefinitions": {"parameters": {"depth": {"parameterType": "NUMBER_INTEGER", "defaultValue": 4.0}}},
        "dag": {"tasks": {"train": {"taskInfo": {"name": "train"}, "componentRef": {"name": "comp-train"}}}},
    },
    "components": {"comp-train": {"executorLabel": "exec-train"}},
    "deploymentSpec": {"executors": {}},
}
_PAGE = "<h3>Report</h3><script>alert(1)</script><img src='http://other.example.com/x.png'><p onclick='x()'>good</p>"


class _Links(HTMLParser):
    """What a page would load or run."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found += [tag] if tag in ("script", "link", "iframe", "object", "embed", "base", "form") else []
        self.found += [f"{name}={value}" for name, value in attrs if name.startswith("on") or name in ("src", "srcset")]


@pytest.fixture
def run(tmp_path: Path) -> RunResult:
    folder = tmp_path / "digits-1"
    (folder / "train").mkdir(parents=True)
    (folder / "train" / "page.html").write_text(_PAGE)
    (folder / "train" / "log.txt").write_text("first\n" + "x" * 30_000 + "\n<last>")
    step = StepResult(
        "train",
        "succeeded",
        1.5,
        {"Output": 0.5},
        {"page": f"{folder}/train/page.html"},
        {"metrics": {"accuracy": 0.9}},
        f"{folder}/train/log.txt",
        {"depth": 6, "scans": f"{folder}/load/scans"},
        0.5,
    )
    image = ImageDetails(
        "train", "fairing.local/train@sha256:1", (("code", f"sha256:{'c' * 64}", 7200),), ("bee==1.0",)
    )
    details = RunDetails("digits", _DOCUMENT, {}, "subprocess", (image,), 0.0, 2.0)
    return RunResult(folder, {"Output": "<b>"}, (step,), details)


def _page(run: RunResult) -> str:
    return report_page(run.folder, run.outputs, run.steps, run.details)


def test_the_page_shows_all_of_a_run(run: RunResult) -> None:
    page = _page(run)
    text = re.sub(r"<style>.*?</style>", "", page, flags=re.DOTALL)
    text = " ".join(re.sub(r"<[^>]*>", " ", text).split())

    assert "digits succeeded" in text
    assert "<svg" in page
    assert "depth 4 default" in text
    assert "train succeeded 1.5 s" in text
    assert '<i style="left:25.0%;width:75.0%">' in page
    assert "input depth 6 input scans load/scans" in text
    assert "metric metrics .accuracy 0.9" in text
    assert "Report good" in text
    assert "&lt;last&gt;" in text
    assert "characters before" in text
    assert "code sha256:cccccccccccc 7.2 kB" in text
    assert "bee==1.0" in text
    assert "&lt;b&gt;" in text


def test_the_page_loads_and_runs_nothing(run: RunResult) -> None:
    page, links = _page(run), _Links()
    links.feed(page)

    assert links.found == []
    assert "other.example.com" not in page
    assert "default-src 'none'" in page
    assert "@media (prefers-color-scheme:dark)" in page


def test_a_run_without_details_and_with_a_failed_step(tmp_path: Path) -> None:
    (tmp_path / "log.txt").write_text("ValueError")
    page = _page(RunResult(tmp_path, {}, (StepResult("train", "failed", 1.0, log=f"{tmp_path}/log.txt"),)))

    assert '<span class="bad">failed</span></h1>' in page
    assert "<details open><summary><b>train</b></summary><pre>ValueError" in page


def test_a_run_has_what_its_report_needs(tmp_path: Path) -> None:
    @fairing_kfp.fairing_component
    def half(value: float) -> float:
        return value / 2

    result = fairing_kfp.run(half, {"value": 3}, output=tmp_path, on_event=lambda event: None)
    result.report(tmp_path / "new" / "report.html")

    assert result.details is not None
    assert dict(result.details.arguments) == {"value": 3}
    assert [[name for name, *_ in image.layers] for image in result.details.images] == [["runtime", "code"]]
    assert result.steps[0].inputs == {"value": 3}
    assert 0 <= result.steps[0].start <= result.details.seconds
    assert "1.5" in (tmp_path / "new" / "report.html").read_text()
    with pytest.raises(ConfigError, match="cannot write"):
        result.report(tmp_path / "new" / "report.html" / "x")


def test_a_failed_run_has_it_too(tmp_path: Path) -> None:
    @fairing_kfp.fairing_component
    def fails(value: int) -> None:
        raise ValueError(value)

    with pytest.raises(StepFailedError) as caught:
        fairing_kfp.run(fails, {"value": 3}, output=tmp_path, on_event=lambda event: None)

    assert caught.value.result.details.pipeline == "fails"
    assert caught.value.result.steps[0].inputs == {"value": 3}
