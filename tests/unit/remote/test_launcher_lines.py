"""Lines of KFP's launcher, as Kubeflow Pipelines 2.17 writes them."""

from __future__ import annotations

import pytest

from fairing_kfp.remote.launcher_lines import without_launcher_lines

_LOG = """\
I1129 20:44:33.426445      15 main.go:67] Setting log level to: '1'
W1129 20:44:33.455382      15 launcher_v2.go:590] Could not determine retry index from pod annotation
learned 20 trees
}
I1129 20:44:35.049061      15 launcher_v2.go:1230] ExecutorOutput: {
  "parameterValues": {
    "known": 1347
  }
}
I1129 20:44:35.049379      15 launcher_v2.go:867] Executing uploadOutputArtifacts attempt: 1
done
"""


def test_lines_of_the_program_stay() -> None:
    assert without_launcher_lines(_LOG.splitlines()) == ["learned 20 trees", "}", "done"]


def test_an_output_on_one_line_hides_nothing_after_it() -> None:
    lines = ["I1129 20:44:35.049061      15 launcher_v2.go:1230] ExecutorOutput: {}", "done"]

    assert without_launcher_lines(lines) == ["done"]


@pytest.mark.parametrize(
    "line",
    [
        "F1129 20:43:30.749791      15 main.go:59] failed to upload output artifact: access denied",
        "E1129 20:43:30.749791      15 launcher_v2.go:449] cannot publish the execution",
        "I1129 20:43:30.749791      15 train.py:59] a line of absl's logging",
        "ValueError: exit status 1",
    ],
)
def test_errors_and_lines_of_others_stay(line: str) -> None:
    assert without_launcher_lines([line]) == [line]


@pytest.mark.parametrize(
    "line",
    [
        "E1129 20:43:30.715379      15 launcher_v2.go:449] Component failed to execute successfully: exit status 1",
        "F1129 20:43:30.749791      15 main.go:59] failed to execute component: exit status 1",
        'time=2026-11-29T20:51:55.807Z level=ERROR msg="cannot save parameter" argo=true src=/tmp/outputs/condition',
    ],
)
def test_what_follows_from_a_failure_is_left_out(line: str) -> None:
    assert without_launcher_lines([line]) == []
