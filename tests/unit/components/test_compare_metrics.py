"""`compare_metrics`: which model passes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from fairing_kfp.components.step import run_step
from fairing_kfp.components.steps.compare_metrics import COMPARE_METRICS
from fairing_kfp.errors import ConfigError


def _run(root: Path, candidate: dict[str, Any], current: dict[str, Any] | None = None, **values: Any) -> dict[str, Any]:
    metrics = {"candidate": candidate, "current": current}
    given = {
        "inputs": {
            "parameterValues": {"metric": "accuracy", **values},
            "artifacts": {
                name: {"artifacts": [{"uri": f"minio://bucket/{name}", "metadata": scalars}]}
                for name, scalars in metrics.items()
                if scalars is not None
            },
        },
        "outputs": {
            "artifacts": {name: {"artifacts": [{"uri": str(root / name)}]} for name in ("comparison", "report")},
            "parameters": {"passed": {"outputFile": str(root / "passed")}},
            "outputFile": str(root / "output.json"),
        },
    }
    run_step(COMPARE_METRICS, given, print)
    return dict(json.loads((root / "output.json").read_text()))


@pytest.mark.parametrize(
    ("candidate", "current", "values", "passed"),
    [
        (0.9, 0.8, {}, True),
        (0.8, 0.8, {}, False),
        (0.7, 0.8, {}, False),
        (0.9, 0.8, {"margin": 0.2}, False),
        (0.7, 0.8, {"higher_is_better": False}, True),
        (0.9, 0.8, {"higher_is_better": False}, False),
        (0.1, None, {}, True),
    ],
)
def test_a_better_model_passes(
    tmp_path: Path, candidate: float, current: float | None, values: dict[str, Any], passed: bool
) -> None:
    listed = _run(tmp_path, {"accuracy": candidate}, None if current is None else {"accuracy": current}, **values)

    assert listed["parameterValues"] == {"passed": passed}
    assert (tmp_path / "passed").read_text() == json.dumps(passed)
    verdict = "passed" if passed else "not passed"
    assert f"<h1>{verdict}: accuracy is {candidate}, and " in (tmp_path / "report").read_text()
    (comparison,) = listed["artifacts"]["comparison"]["artifacts"]
    assert comparison["metadata"]["candidate"] == candidate
    assert comparison["metadata"].get("current") == current


@pytest.mark.parametrize(
    ("candidate", "current", "values", "message"),
    [
        ({}, None, {}, "the metric 'accuracy' of the input candidate is missing"),
        ({"error": 1.0}, None, {}, "of the input candidate is missing\n.*use one of error"),
        ({"accuracy": "high"}, None, {}, "of the input candidate is 'high', not a number"),
        ({"accuracy": 1}, {"accuracy": True}, {}, "of the input current is True, not a number"),
        ({"accuracy": 1}, {"accuracy": float("nan")}, {}, "of the input current is nan, not a number"),
        ({"accuracy": 1}, None, {"margin": -1}, "the input margin is -1"),
        ({"accuracy": 1}, None, {"metric": ""}, "the input metric is missing or empty"),
    ],
)
def test_wrong_inputs_are_refused(
    tmp_path: Path, candidate: dict[str, Any], current: dict[str, Any] | None, values: dict[str, Any], message: str
) -> None:
    with pytest.raises(ConfigError, match=message):
        _run(tmp_path / "out", candidate, current, **values)

    assert not (tmp_path / "out").exists()
