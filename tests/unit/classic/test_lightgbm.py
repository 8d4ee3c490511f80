"""LightGBM's helper: which files go where, and what a node does with them."""

from __future__ import annotations

import pickle
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from fairing_kfp import distributed
from fairing_kfp.classic.frameworks import lightgbm, utils
from fairing_kfp.classic.in_step.boosting import boost
from fairing_kfp.errors import ConfigError
from fairing_kfp.pipeline.builtin_steps import train_spec_of
from fairing_kfp.pipeline.trace import trace
from fairing_kfp.preprocess.source import placeholders
from fairing_kfp.train.spec import JobSpec
from tests.unit.classic.conftest import RecordingPlace

CONFIG = {
    "objective": "regression",
    "num_machines": 2,
    "tree_learner": "data",
    "train_data": "a/part-0.csv,gs://bucket/part-1.csv",
    "valid": "valid.csv",
    "local_listen_port": 1,
    "machine_list_file": "mlist.txt",
    "output_model": "out/model.txt",
}


@pytest.fixture(autouse=True)
def data(project: Path) -> None:
    (project / "a").mkdir()
    for name in ("a/part-0.csv", "a/part-0.csv.weight", "valid.csv", "model.txt"):
        (project / name).write_text(name)


def test_nodes_get_their_files_and_resources(place: RecordingPlace, project: Path) -> None:
    deployer = lightgbm.execute(
        CONFIG, "registry.example.com/me", namespace="team", cores_per_worker=2, memory_per_worker=4
    )

    (task,) = place.trained
    spec = train_spec_of(next(iter(trace(task.pipeline()).specification.containers)))
    assert isinstance(spec, JobSpec)
    assert (spec.kind, spec.nodes, spec.framework) == ("job", 2, "lightgbm")
    assert spec.pod["containers"][0]["resources"]["limits"]["cpu"] == "2"
    assert spec.pod["serviceAccountName"] == "default-editor"  # with Workload Identity, as there is no secret
    (source,) = placeholders(task.component.component_spec.implementation.container.image).values()
    assert source.packages == ("lightgbm>=4", "gcsfs")
    assert sorted(source.files.values()) == ["part-0.csv", "part-0.csv.weight", "valid.csv"]
    parameters, files = source.code.arguments  # type: ignore[attr-defined]
    assert parameters == {"objective": "regression", "tree_learner": "data"}
    assert files == {
        "task": "train",
        "data": ["part-0.csv", "gs://bucket/part-1.csv"],
        "valid": ["valid.csv"],
        "input_model": "",
        "output": "out/model.txt",
    }
    result = project / "result"
    result.write_bytes(pickle.dumps(b"trees"))
    task.collect({"result": result}, {})
    assert (project / "out" / "model.txt").read_text() == "trees"
    assert deployer.handle is not None


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"num_machines": 3}, "3 nodes with tree_learner=data, and 2 files"),
        ({"tree_learner": "feature"}, "2 nodes with tree_learner=feature, and 2 files"),
        ({"num_machines": "many"}, "num_machines='many' is not a number of machines"),
        ({"train_data": ""}, "lacks data"),
        ({"data": "b.csv"}, "data and train_data are names of one parameter"),
        ({"task": "refit"}, "the task 'refit' of LightGBM cannot be run"),
        ({"task": "predict"}, "lacks input_model"),
        ({"train_data": "a/missing.csv,valid.csv"}, r"missing\.csv"),
    ],
)
def test_a_config_that_cannot_run_is_an_error(place: RecordingPlace, changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        lightgbm.execute({**CONFIG, **changes}, "registry.example.com/me")

    assert place.trained == []


def test_a_file_of_parameters_predicts(place: RecordingPlace, project: Path) -> None:
    utils.save_properties_config_file(
        {"task": "predict", "data": "valid.csv", "input_model": "model.txt"}, str(project / "predict.conf")
    )

    lightgbm.execute(str(project / "predict.conf"), None)

    (source,) = placeholders(place.trained[0].component.component_spec.implementation.container.image).values()
    _, files = source.code.arguments  # type: ignore[attr-defined]
    assert (files["task"], files["output"]) == ("predict", "LightGBM_predict_result.txt")
    assert source.base_image == f"python:{sys.version_info[0]}.{sys.version_info[1]}"


def test_each_node_trains_with_its_own_part(monkeypatch: pytest.MonkeyPatch, project: Path) -> None:
    calls: list[Any] = []

    class Dataset:
        def __init__(self, path: str, params: Any) -> None:
            calls.append((path, params))

        def create_valid(self, path: str) -> str:
            return path

    given: list[Any] = []

    def train(params: Any, data: Any, **named: Any) -> Any:
        given.append(params)
        calls.append(named)
        return SimpleNamespace(model_to_string=lambda: "trees")

    stand_in = ModuleType("lightgbm")
    vars(stand_in).update(Dataset=Dataset, train=train, log_evaluation=lambda period: period)
    monkeypatch.setitem(sys.modules, "lightgbm", stand_in)
    files = {"task": "train", "data": ["a.csv", "b.csv"], "valid": ["valid.csv"], "input_model": "", "output": "m.txt"}
    monkeypatch.setattr(distributed, "lightgbm_parameters", lambda learner: {"machines": learner})

    monkeypatch.setattr(distributed, "rank", lambda: 1)
    assert boost({"tree_learner": "voting"}, files) is None
    monkeypatch.setattr(distributed, "rank", lambda: 0)
    assert boost({"tree_learner": "voting"}, files) == b"trees"
    assert given[-1] == {"machines": "voting"}
    with monkeypatch.context() as patch:
        patch.setattr(distributed, "lightgbm_parameters", lambda learner: {"tree_learner": learner})
        boost({"tree_learner": "feature"}, {**files, "data": ["all.csv"]})
    assert given[-1] == {"tree_learner": "data"}
    del calls[-2:]

    assert [call for call in calls if isinstance(call, tuple)] == [
        ("b.csv", {"machines": "voting"}),
        ("a.csv", {"machines": "voting"}),
    ]
    assert calls[1]["valid_sets"] == ["valid.csv"]


def test_properties_are_read_and_written(project: Path) -> None:
    name = utils.save_properties_config_file({"a": True, "b": 2})
    utils.update_config_file(name, "c", "50%")
    assert utils.load_properties_config_file(name) == {"a": "true", "b": "2", "c": "50%"}
    utils.write_ip_list_file("ips.txt", ["10.0.0.2", "10.0.0.1"], 12400)
    assert (project / "ips.txt").read_text() == "10.0.0.1 12400\n10.0.0.2 12400\n"
    with pytest.raises(ConfigError, match="cannot read"):
        utils.load_properties_config_file("missing.conf")


def test_nodes_share_one_file_instead_of_its_features(place: RecordingPlace) -> None:
    with pytest.warns(DeprecationWarning, match="has no tree_learner=feature: the nodes share the rows of the file"):
        lightgbm.execute({**CONFIG, "tree_learner": "feature", "train_data": "a/part-0.csv"}, "registry.example.com/me")
    assert len(place.trained) == 1
