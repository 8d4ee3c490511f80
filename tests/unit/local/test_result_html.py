"""The result of a local run in a notebook."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from fairing_kfp.display.artifact_html import LIMIT, artifact_content
from fairing_kfp.local.result import RunResult, StepResult

GOLDEN = Path(__file__).parents[2] / "golden" / "run-result.html"
CLASSES = {
    "confusionMatrix": {
        "annotationSpecs": [{"displayName": "cat"}, {"displayName": "a <dog>"}],
        "rows": [{"row": [3.0, 1.0]}, {"row": [0.0, 4.0]}],
    },
    "confidenceMetrics": [
        {"confidenceThreshold": 1.0, "falsePositiveRate": 0.0, "recall": 0.0},
        {"confidenceThreshold": 0.5, "falsePositiveRate": 0.5, "recall": 1.0},
        {"confidenceThreshold": 0.0, "falsePositiveRate": 1.0, "recall": 1.0},
    ],
}
PAGE = "<h3>Report</h3><script>alert(1)</script><p onclick='x()'>good</p><img src='http://other/x.png'>"
TEXT = "# Result\n\n| a |\n|---|\n| 1 |\n\n<script>alert(1)</script> [link](javascript:alert(1))\n"


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> RunResult:
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "local_outputs" / "digits-1"
    (folder / "report").mkdir(parents=True)
    (folder / "report" / "page.html").write_text(PAGE)
    (folder / "report" / "text.md").write_text(TEXT)
    (folder / "report" / "classes").touch()
    artifacts = {name: str(folder / "report" / file) for name, file in [("page", "page.html"), ("text", "text.md")]}
    steps = (
        StepResult("train", "reused", 0.0, {"Output": "<b>"}, {"model": "gs://bucket/model"}),
        StepResult(
            "report",
            "succeeded",
            1.25,
            artifacts={**artifacts, "classes": str(folder / "report" / "classes")},
            metrics={"metrics": {"accuracy": 0.9}, "classes": CLASSES},
            log=str(folder / "report" / "log.txt"),
        ),
        StepResult("<i>", "failed", 2.0),
    )
    return RunResult(folder, {"Output": 0.9}, steps)


def test_golden_html_of_a_result(run: RunResult) -> None:
    html = run._repr_html_().partition("</style>")[2].replace("><", ">\n<") + "\n"
    if os.environ.get("WRITE_GOLDEN"):
        GOLDEN.write_text(html, encoding="utf-8")

    assert html == GOLDEN.read_text(encoding="utf-8")
    for text in ("<script", "onclick", "<img", "<i>", 'href="javascript'):
        assert text not in html


def test_one_line(run: RunResult) -> None:
    assert repr(run) == "<RunResult digits-1: 1 reused, 1 succeeded, 1 failed>"
    assert [repr(step) for step in run.steps] == [
        "<StepResult train: reused>",
        "<StepResult report: succeeded in 1.2 s>",
        "<StepResult <i>: failed in 2.0 s>",
    ]
    assert "<b>train</b>" in run.steps[0]._repr_html_()


@pytest.mark.parametrize(
    "metadata", [{"confusionMatrix": "x"}, {"confidenceMetrics": [1, 2]}, {"confusionMatrix": {"rows": [{"row": [1]}]}}]
)
def test_metadata_of_another_form_has_no_picture(metadata: dict[str, object], tmp_path: Path) -> None:
    step = StepResult("s", "succeeded", artifacts={"m": str(tmp_path / "m")}, metrics={"m": metadata})

    assert "<svg" not in step._repr_html_()


def test_a_large_run_is_cut(tmp_path: Path) -> None:
    steps = tuple(StepResult(f"step-{number}", "succeeded") for number in range(1000))
    html = RunResult(tmp_path, {}, steps)._repr_html_()

    assert "and 800 further steps" in html
    assert "step-200" not in html


def test_only_small_files_with_content_to_show_are_inline(tmp_path: Path) -> None:
    path = tmp_path / "page.html"
    path.write_text("x" * (LIMIT + 1))
    assert artifact_content(path) == ""
    path.write_text("<script>plot()</script>")
    assert artifact_content(path) == ""
    path.write_text("<b>x")
    assert artifact_content(path) == '<div class="artifact"><b>x</b></div>'
    assert artifact_content(path.rename(tmp_path / "page")) == ""
