"""What changes a step, what changes the key of KFP's cache, and which other steps run again: compiled YAML alone."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

import fairing_kfp
from fairing_kfp.cache.store import Cache
from tests.support.paths import TESTS

Edit = Callable[[Any], Any]


@pytest.fixture
def compare(tmp_path: Path, cache: Cache) -> Callable[..., fairing_kfp.PipelineDiff]:
    def made(edit: Edit, golden: str = "digits") -> fairing_kfp.PipelineDiff:
        old = TESTS / "golden" / f"{golden}.yaml"
        documents = list(yaml.load_all(old.read_text("utf-8"), getattr(yaml, "CSafeLoader", yaml.SafeLoader)))
        document = documents[0]
        edit(
            {
                "tasks": document["root"]["dag"]["tasks"],
                "executors": document["deploymentSpec"]["executors"],
                **document,
            }
        )
        new = tmp_path / "new.yaml"
        new.write_text(yaml.safe_dump_all(documents))
        return fairing_kfp.diff(str(old), str(new), cache=cache)

    return made


def container(pipeline: Any, name: str) -> Any:
    return pipeline["executors"][f"exec-{name}"]["container"]


def put(place: Any, key: Any, value: Any) -> None:
    place[key] = value


OTHER_SPEC = '{"image":"REGISTRY/PROJECT@sha256:DIGEST","name":"numbers"}'
CHANGES: list[tuple[str, Edit, str, bool]] = [
    (
        "train",
        lambda one: put(one["root"]["inputDefinitions"]["parameters"]["depth"], "defaultValue", 12),
        "the input depth: 10 → 12, the parameter depth",
        True,
    ),
    (
        "train",
        lambda one: put(one["tasks"]["train"]["inputs"]["parameters"], "depth", {"runtimeValue": {"constant": 10}}),
        "",
        True,
    ),
    (
        "train",
        lambda one: put(one["tasks"]["train"]["inputs"]["parameters"], "more", {"runtimeValue": {"constant": "x"}}),
        'the input more is new: "x"',
        True,
    ),
    (
        "train",
        lambda one: one["tasks"]["train"]["inputs"]["parameters"].pop("depth"),
        "the input depth was removed",
        True,
    ),
    (
        "train",
        lambda one: put(
            one["tasks"]["train"]["inputs"]["artifacts"]["scans"]["taskOutputArtifact"], "outputArtifactKey", "test"
        ),
        "the input scans comes from test of load, not train of load",
        True,
    ),
    (
        "train",
        lambda one: put(
            one["components"]["comp-train"]["outputDefinitions"]["artifacts"]["model"]["artifactType"],
            "schemaTitle",
            "system.Dataset",
        ),
        "the output model system.Model → system.Dataset",
        True,
    ),
    (
        "load",
        lambda one: one["components"]["comp-load"]["outputDefinitions"]["parameters"].pop("known"),
        "the output known was removed",
        True,
    ),
    ("train", lambda one: container(one, "train")["command"].append("-v"), "command changed", True),
    ("train", lambda one: put(container(one, "train")["args"], 0, "--x"), "arguments: --executor_input → --x", True),
    (
        "serve-digits",
        lambda one: put(
            container(one, "serve-digits")["args"], 3, '{"image":"REGISTRY/PROJECT@sha256:DIGEST","name":"numbers"}'
        ),
        "arguments: name: digits → numbers, sample changed",
        True,
    ),
    ("train", lambda one: put(one["tasks"]["train"], "cachingOptions", {}), "caching: on → off", True),
    (
        "train",
        lambda one: put(one["tasks"]["train"]["cachingOptions"], "cacheKey", "mine"),
        "its cache key: KFP's → 'mine'",
        True,
    ),
    (
        "train",
        lambda one: put(container(one, "train"), "env", [{"name": "MODE", "value": "fast"}]),
        "environment: MODE: none → fast",
        False,
    ),
    ("train", lambda one: put(container(one, "train"), "resources", {"cpuLimit": 1}), "resources changed", False),
    ("train", lambda one: put(one["tasks"]["train"], "retryPolicy", {"maxRetryCount": 2}), "retries changed", False),
    (
        "predict",
        lambda one: one["tasks"]["predict"]["dependentTasks"].append("train"),
        "order: now after train",
        False,
    ),
]


@pytest.mark.parametrize(("step", "edit", "text", "in_key"), CHANGES, ids=[one[2] or "equal" for one in CHANGES])
def test_each_change_is_named(
    compare: Callable[..., fairing_kfp.PipelineDiff], step: str, edit: Edit, text: str, in_key: bool
) -> None:
    found = compare(edit)

    changed = [one for one in found.steps if one.changes]
    expected = [(step, [text])] if text else []
    assert [(one.name, [change.text for change in one.changes]) for one in changed] == expected
    assert all(change.in_cache_key == in_key for one in changed for change in one.changes)
    assert found.differs == bool(text)


def test_steps_after_one_that_runs_again_run_again_too(compare: Callable[..., fairing_kfp.PipelineDiff]) -> None:
    found = compare(CHANGES[0][1])

    assert {one.name: (one.reuse, one.why) for one in found.steps} == {
        "check-serve-digits": ("no", "its caching is off"),
        "load": ("yes", ""),
        "train": ("no", ""),
        "evaluate": ("no", "train makes its input model again"),
        "serve-digits": ("no", "its caching is off"),
        "predict": ("maybe", "unless serve-digits returns the same endpoint"),
    }


def test_a_step_with_a_key_of_its_author_is_reused_whatever_else_changes(
    compare: Callable[..., fairing_kfp.PipelineDiff], tmp_path: Path, cache: Cache
) -> None:
    def edit(one: Any) -> None:
        one["tasks"]["train"]["cachingOptions"]["cacheKey"] = "mine"

    compare(edit)
    old = tmp_path / "new.yaml"
    new = tmp_path / "newer.yaml"
    new.write_text(old.read_text().replace("defaultValue: 10.0", "defaultValue: 12.0"))
    train = fairing_kfp.diff(str(old), str(new), cache=cache).by_name["train"]

    assert ([change.in_cache_key for change in train.changes], train.reuse) == ([False], "yes")


def test_an_input_that_differs_in_each_run_is_named(
    compare: Callable[..., fairing_kfp.PipelineDiff], tmp_path: Path, cache: Cache
) -> None:
    parameter = {"runtimeValue": {"constant": "{{$.pipeline_job_uuid}}"}}
    compare(lambda one: put(one["tasks"]["load"]["inputs"]["parameters"], "share", parameter))
    path = str(tmp_path / "new.yaml")
    found = fairing_kfp.diff(path, path, cache=cache)

    load = found.by_name["load"]
    assert (load.verdict, load.reuse, load.why) == ("same", "no", "its input share differs in each run")
    assert not found.differs


def test_tasks_that_were_added_and_removed(compare: Callable[..., fairing_kfp.PipelineDiff]) -> None:
    found = compare(lambda one: put(one["tasks"], "learn", {**one["tasks"].pop("predict"), "dependentTasks": []}))

    assert [(one.name, one.verdict) for one in found.steps if one.verdict != "same"] == [
        ("learn", "added"),
        ("predict", "removed"),
    ]


def test_a_task_that_moved_into_a_group_is_the_same_step(compare: Callable[..., fairing_kfp.PipelineDiff]) -> None:
    def edit(one: Any) -> None:
        task = {**one["tasks"].pop("load"), "dependentTasks": []}
        task["inputs"]["parameters"]["share"] = {"runtimeValue": {"constant": 0.25}}
        one["components"]["comp-inner"] = {"dag": {"tasks": {"load": task}}}
        one["tasks"]["inner"] = {"componentRef": {"name": "comp-inner"}}
        for name in ("train", "evaluate", "predict"):
            one["tasks"].pop(name)
        one["tasks"]["serve-digits"].update(dependentTasks=[], inputs={})
        one["root"]["dag"].pop("outputs")

    found = compare(edit)

    load = found.by_name["load"]
    assert [change.text for change in load.changes] == [
        "order: no longer after check-serve-digits",
        "moved: the pipeline → inner",
    ]
    assert (load.verdict, load.reuse) == ("changed", "yes")
    assert {one.name for one in found.steps if one.verdict == "removed"} == {"train", "evaluate", "predict"}


def test_another_name_of_the_pipeline_has_no_step_reused(compare: Callable[..., fairing_kfp.PipelineDiff]) -> None:
    found = compare(lambda one: put(one["pipelineInfo"], "name", "numbers"))

    assert [change.text for change in found.changes] == [
        "the pipeline's name: digits → numbers; KFP reuses outputs of the same pipeline only"
    ]
    assert {one.reuse for one in found.steps} == {"no"}
    assert found.differs


def test_conditions_are_compared(compare: Callable[..., fairing_kfp.PipelineDiff]) -> None:
    def edit(one: Any) -> None:
        task = one["components"]["comp-condition-branches-1"]["dag"]["tasks"]["condition-2"]
        task["triggerPolicy"]["condition"] = "inputs.parameter_values['pipelinechannel--judge-Output'] == 'big'"

    found = compare(edit, "control-flow")

    (change,) = found.changes
    place, _, text = change.text.partition(": ")
    assert place.endswith("condition-branches-1/condition-2")
    assert text == "condition: judge-Output == 'large' → judge-Output == 'big'"
    assert {one.verdict for one in found.steps} == {"same"}


def test_items_of_a_loop_are_no_inputs_of_one_run(
    compare: Callable[..., fairing_kfp.PipelineDiff], tmp_path: Path, cache: Cache
) -> None:
    """KFP runs the task for each item, and reuses the outputs of those that it had."""

    def edit(one: Any) -> None:
        loop = one["components"]["comp-exit-handler-1"]["dag"]["tasks"]["for-loop-2"]
        loop["parameterIterator"]["items"] = {"raw": "[1, 2]"}

    compare(edit, "control-flow")
    old, new = tmp_path / "new.yaml", tmp_path / "newer.yaml"
    new.write_text(old.read_text().replace("[1, 2]", "[1, 2, 3]"))
    found = fairing_kfp.diff(str(old), str(new), cache=cache)

    changed = [(one.name, change.text, one.reuse) for one in found.steps for change in one.changes]
    text = "the items of the loop: [1, 2] → [1, 2, 3]; KFP reuses the outputs of equal items"
    assert changed == [("box", text, "yes")]


def test_a_component_that_contains_itself_is_refused(compare: Callable[..., fairing_kfp.PipelineDiff]) -> None:
    def edit(one: Any) -> None:
        one["components"]["comp-train"].pop("executorLabel")
        one["components"]["comp-train"]["dag"] = {"tasks": {"again": {"componentRef": {"name": "comp-train"}}}}

    with pytest.raises(fairing_kfp.errors.PipelineError, match="is not a compiled pipeline"):
        compare(edit)
