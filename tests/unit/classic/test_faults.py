"""Each known fault of Kubeflow Fairing has a test that shows it gone, and each call that users remember runs."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest

import fairing_kfp.classic as fairing
from fairing_kfp.classic import PredictionEndpoint, TrainJob
from fairing_kfp.classic.backends import KubeflowGKEBackend
from tests.support.paths import TESTS
from tests.unit.classic.conftest import RecordingPlace

FAULTS = [
    line.rpartition(" | ")
    for line in (TESTS / "unit" / "classic" / "faults.txt").read_text().splitlines()
    if line and not line.startswith("#")
]


@pytest.mark.parametrize(("fault", "test"), [(fault, test) for fault, _, test in FAULTS])
def test_a_fault_has_a_test(fault: str, test: str) -> None:
    file, _, name = test.partition("::")

    assert re.search(rf"^ *def {name}\(", (TESTS / file).read_text(), re.MULTILINE), fault


def train() -> None:
    """Trains."""


class ModelServe:
    def predict(self, X: Any, feature_names: Any) -> Any:
        return X


def test_calls_that_users_remember(place: RecordingPlace, monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    monkeypatch.setattr("fairing_kfp.classic.cloud.gcp.guess_project_name", lambda: "project")
    (tmp_path / "requirements.txt").write_text("six==1.17.0\n")

    fairing.config.set_preprocessor("python", input_files=[str(tmp_path / "train.py")])
    fairing.config.set_builder(name="docker", registry="registry.example.com/me", base_image="python:3.11")
    fairing.config.run()
    TrainJob("train.py", backend=KubeflowGKEBackend()).submit()
    TrainJob(train, backend=KubeflowGKEBackend()).submit()
    TrainJob("train.ipynb", backend=KubeflowGKEBackend(), input_files=["requirements.txt"]).submit()
    endpoint = PredictionEndpoint(
        ModelServe,
        "python:3.11",
        input_files=["train.py"],
        docker_registry="registry.example.com/me",
        backend=KubeflowGKEBackend(),
    )
    created = endpoint.create()
    monkeypatch.setattr(created, "predict_seldon", lambda data, names: {"data": data.tolist()})
    assert endpoint.predict_nparray(np.array([[1]])) == {"data": [[1]]}
    endpoint.delete()

    assert [task.component.name for task in place.trained] == ["train"] * 4
    assert [task.settings["registry"] for task in place.trained] == [
        "registry.example.com/me",
        *["us-docker.pkg.dev/project/fairing-job"] * 3,
    ]
    assert [task.name for task in place.served] == ["model-serve"]
