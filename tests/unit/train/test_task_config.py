"""The release of kfp that training steps need."""

from __future__ import annotations

import kfp
import pytest
from kfp import dsl

from fairing_kfp import fairing_component, job, trainjob, vertexjob
from fairing_kfp.components.kfp_component import kfp_component
from fairing_kfp.components.table import COMPONENTS
from fairing_kfp.errors import UnavailableError


@fairing_component
def train() -> int:
    return 1


PLACE = {"project": "my-project", "region": "europe-west4", "staging": "gs://bucket"}
STEPS = {
    "job(train)": lambda: job(train),
    "trainjob(train)": lambda: trainjob(train),
    "vertexjob(train)": lambda: vertexjob(train, **PLACE),
    "the component train-job": lambda: kfp_component(COMPONENTS["train-job"]),
}


@pytest.mark.parametrize("name", STEPS)
def test_an_older_kfp_is_refused(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(dsl, "TaskConfig", raising=False)
    monkeypatch.setattr(kfp, "__version__", "2.14.6")

    with pytest.raises(UnavailableError) as caught:
        STEPS[name]()

    assert caught.value.message == f"{name} needs kfp 2.15 or newer, but kfp 2.14.6 is installed"
    assert caught.value.remedy == "pip install 'kfp>=2.15'"


def test_other_steps_need_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(dsl, "TaskConfig", raising=False)

    assert kfp_component(COMPONENTS["append-image"]).name == "append-image"
