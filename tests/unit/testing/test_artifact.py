"""Fake artifacts."""

from __future__ import annotations

from pathlib import Path

import pytest
from kfp import dsl

from fairing_kfp import OUTPUT, fairing_component
from fairing_kfp.errors import ConfigError
from fairing_kfp.testing import fake_artifact


@fairing_component
def train(scans: dsl.Input[dsl.Dataset], model: dsl.Output[dsl.Model] = OUTPUT) -> int:
    text = Path(scans.path).read_text()
    Path(model.path).write_text(text.upper())
    model.metadata["from"] = scans.name
    return len(text)


def test_a_function_reads_and_writes_them() -> None:
    scans, model = fake_artifact(dsl.Dataset, "scans"), fake_artifact(dsl.Model)

    assert train.python_func(scans=scans, model=model) == train(scans=scans, model=model) == 5
    assert Path(model.path).read_text() == "SCANS"
    assert model.metadata == {"from": "dataset"}


def test_each_has_a_place_of_its_own(tmp_path: Path) -> None:
    first = fake_artifact(dsl.Metrics, b"\xff", name="scores", metadata={"a": 1}, folder=tmp_path)
    second = fake_artifact(dsl.Metrics, folder=tmp_path)
    first.log_metric("b", 2.0)

    assert (type(first), first.name, first.metadata) == (dsl.Metrics, "scores", {"a": 1, "b": 2.0})
    assert Path(first.path).read_bytes() == b"\xff"
    assert Path(first.path).is_relative_to(tmp_path)
    assert first.path != second.path
    assert not Path(second.path).exists()


def test_other_classes_are_rejected() -> None:
    with pytest.raises(ConfigError, match="<class 'str'> is not a class of artifacts"):
        fake_artifact(str)
