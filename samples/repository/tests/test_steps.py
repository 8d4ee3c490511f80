"""Tests of single steps as functions, with fake artifacts."""

import json
from pathlib import Path

from deliveries.steps import fit, judge
from kfp import dsl

from fairing_kfp.testing import fake_artifact


def test_fit_writes_the_line() -> None:
    deliveries, model = fake_artifact(dsl.Dataset, "[[1, 14], [2, 18], [3, 22]]"), fake_artifact(dsl.Model)
    fit.python_func(deliveries=deliveries, penalty=0, model=model)

    assert json.loads(Path(model.path).read_text()) == {"slope": 4, "start": 10}


def test_judge_logs_the_error() -> None:
    deliveries, model = fake_artifact(dsl.Dataset, "[[5, 31]]"), fake_artifact(dsl.Model, '{"slope": 4, "start": 10}')
    metrics = fake_artifact(dsl.Metrics)

    assert judge.python_func(deliveries=deliveries, model=model, metrics=metrics) == 1
    assert metrics.metadata == {"minutes": 1}
