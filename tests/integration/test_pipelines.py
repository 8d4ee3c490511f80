"""The reference pipelines: compiled, valid against kfp's specification, and run here."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

import fairing_kfp
from fairing_kfp.cache.store import Cache
from fairing_kfp.errors import DependencyError, StepFailedError
from fairing_kfp.local.result import RunResult
from tests.golden import assert_golden
from tests.support.component_steps import run_component
from tests.support.paths import TOP
from tests.support.services import missing
from tests.support.stand_in_builder import StandInBuilder

FOLDER = TOP / "pipelines"
NAMES = sorted(path.stem for path in FOLDER.glob("*.py") if "@dsl.pipeline" in path.read_text())


def load(name: str) -> Any:
    return fairing_kfp.load_pipeline(str(FOLDER / f"{name}.py"))


def run(name: str, arguments: Mapping[str, Any], cache: Cache, output: Path) -> RunResult:
    try:
        return fairing_kfp.run(load(name), arguments, output=output, cache=cache)
    except DependencyError as error:
        missing(f"packages cannot be resolved: {error}")
        raise


def artifact(result: RunResult, step: str, name: str) -> str:
    return Path(result.step(step).artifacts[name]).read_text()


@pytest.mark.parametrize("name", NAMES)
def test_each_compiles_to_its_golden_yaml(name: str, shared_cache: Cache) -> None:
    try:
        compiled = fairing_kfp.compile(load(name), builder=StandInBuilder(), cache=shared_cache)
    except DependencyError as error:
        missing(f"packages cannot be resolved: {error}")

    assert_golden(name, compiled.text, FOLDER)


def test_the_table_lists_each_golden_pipeline() -> None:
    table = (FOLDER / "README.md").read_text()

    assert NAMES
    for name in NAMES:
        assert f"[{name}]({name}.py) ([YAML]({name}.yaml))" in table


@pytest.mark.parametrize("name", NAMES)
def test_each_golden_yaml_is_a_valid_pipeline_that_reads_well(name: str) -> None:
    """kfp loads it as its own specification, which rejects unknown fields."""
    from google.protobuf import json_format
    from kfp.components import load_component_from_file
    from kfp.pipeline_spec import pipeline_spec_pb2

    file = FOLDER / f"{name}.yaml"
    document, *_ = yaml.safe_load_all(file.read_text())
    specification = json_format.ParseDict(document, pipeline_spec_pb2.PipelineSpec())
    loaded = load_component_from_file(str(file))

    assert loaded.pipeline_spec.pipeline_info.name == specification.pipeline_info.name == name.replace("_", "-")
    assert len(specification.pipeline_info.name) < 24
    for component in specification.components.values():
        if component.executor_label:
            assert len(component.executor_label.removeprefix("exec-")) < 24
            artifacts = component.output_definitions.artifacts
            pages = [one for one in artifacts.values() if one.artifact_type.schema_title == "system.HTML"]
            assert len(pages) <= 1, "a step shows one page"
            assert "Output" not in artifacts, "the graph shows the names of artifacts"


def test_a_search_runs_all_trials_in_one_image_and_keeps_the_best(shared_cache: Cache, tmp_path: Path) -> None:
    arguments = {"degrees": [1, 3], "penalties": [0.01, 1.0]}
    result = run("hyperparameter_search", arguments, shared_cache, tmp_path)

    trials = [step for step in result.steps if step.name.startswith("trial")]
    tried = {(one["degree"], one["penalty"]): one["error"] for one in (t.metrics["trial_metrics"] for t in trials)}
    assert sorted(tried) == [(1, 0.01), (1, 1.0), (3, 0.01), (3, 1.0)]
    best = result.step("choose").outputs
    assert (best["degree"], best["penalty"]) == (3, 0.01) == min(tried, key=lambda setting: tried[setting])
    assert best["error"] == tried[3, 0.01] == result.outputs["Output"] < 0.05
    assert len(json.loads(artifact(result, "choose", "best_model"))["coefficients"]) == 4
    assert "<h1>Degree 3 with penalty 0.01 is the best of 4</h1>" in artifact(result, "choose", "search_report")


def test_the_gate_replaces_the_model_only_by_a_better_one(shared_cache: Cache, tmp_path: Path) -> None:
    store = tmp_path / "store"
    file = store / "production.json"

    def night(number: int, noise: float) -> tuple[RunResult, str]:
        arguments = {"night": number, "noise": noise, "store": str(store)}
        result = run("retrain_with_gate", arguments, shared_cache, tmp_path)
        return result, artifact(result, "train", "new_model")

    first, first_model = night(1, 0.5)
    assert "<h1>Promoted: there is no model in production</h1>" in artifact(first, "judge", "gate_report")
    assert file.read_text() == first_model

    worse, worse_model = night(2, 3.0)
    verdict = worse.step("judge").outputs
    assert verdict["decision"] == "keep"
    assert verdict["new_error"] > verdict["old_error"] == first.step("judge").outputs["new_error"]
    assert "<h1>Kept: the new model is not better</h1>" in artifact(worse, "judge", "gate_report")
    assert "promote" not in {step.name for step in worse.steps}
    assert file.read_text() == first_model != worse_model

    better, better_model = night(3, 0.05)
    assert better.step("judge").outputs["decision"] == "promote"
    assert "<h1>Promoted: the new model is better</h1>" in artifact(better, "judge", "gate_report")
    assert file.read_text() == better_model != first_model
    assert [path.name for path in store.iterdir()] == ["production.json"]

    same, _ = night(3, 0.05)
    assert same.step("judge").outputs["decision"] == "keep", "an equal model replaces none"


def test_batch_prediction_joins_the_shards_in_order(shared_cache: Cache, tmp_path: Path) -> None:
    result = run("batch_prediction", {"rows": 50, "shards": 3}, shared_cache, tmp_path)

    rows = list(csv.reader(artifact(result, "prepare", "rows_file").splitlines()))
    answers = list(csv.reader(artifact(result, "join", "predictions").splitlines()))
    coefficients = json.loads(artifact(result, "prepare", "model"))["coefficients"]
    assert [int(number) for number, _ in answers] == list(range(50))
    for (_, x), (_, answer) in zip(rows, answers, strict=True):
        wanted = sum(factor * float(x) ** power for power, factor in enumerate(coefficients))
        assert float(answer) == pytest.approx(wanted)
    assert result.outputs["Output"] == 50
    assert result.step("join").metrics["batch_metrics"]["rows"] == 50
    assert "<h1>All 50 rows have one prediction</h1>" in artifact(result, "join", "batch_report")


def test_a_batch_of_fewer_rows_than_shards_fails_early(shared_cache: Cache, tmp_path: Path) -> None:
    with pytest.raises(StepFailedError, match="2 rows cannot be split into 3 shards: choose 1 to 2"):
        run("batch_prediction", {"rows": 2, "shards": 3}, shared_cache, tmp_path)


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        (["0,1.5\n1,2\n"], "2 predictions for 3 rows: 1 are missing, such as those of rows [2], and 0"),
        (["0,1.5\n1,2\n", "1,2\n2,3\n"], "row 1 has two predictions"),
        (["0,1.5\n1,nan\n", "2,3\n"], "0 are missing, such as those of rows [], and 1 are no finite numbers"),
        (["0,1\n1,2\n", "2,3\n3,4\n"], "4 predictions for 3 rows"),
    ],
    ids=["missing", "twice", "no number", "unknown"],
)
def test_a_wrong_batch_writes_no_predictions(parts: list[str], message: str, tmp_path: Path) -> None:
    from kfp import dsl

    load("batch_prediction")
    join = sys.modules["batch_prediction"].join.python_func

    def made(kind: Any, name: str, text: str = "") -> Any:
        (tmp_path / name).write_text(text)
        return kind(name=name, uri=str(tmp_path / name))

    outputs = {
        "predictions": dsl.Dataset(name="predictions", uri=str(tmp_path / "predictions")),
        "batch_metrics": dsl.Metrics(name="metrics", uri=str(tmp_path / "metrics")),
        "batch_report": dsl.HTML(name="report", uri=str(tmp_path / "report")),
    }
    with pytest.raises(ValueError) as raised:
        join(
            rows_file=made(dsl.Dataset, "rows", "0,0.1\n1,0.2\n2,0.3\n"),
            shard_predictions=[made(dsl.Dataset, f"part-{number}", text) for number, text in enumerate(parts)],
            **outputs,
        )
    assert message in str(raised.value)
    assert not (tmp_path / "predictions").exists()


def test_a_notebook_makes_the_model_that_is_served(shared_cache: Cache, tmp_path: Path) -> None:
    result = run("notebook_then_serve", {"hours": 8.0}, shared_cache, tmp_path)

    line = json.loads(artifact(result, "growth", "line"))
    grams = result.step("ask").metrics["answer_metrics"]["grams"]
    assert grams == pytest.approx(8 * line["slope"] + line["intercept"])
    assert grams == pytest.approx(26, abs=1)
    assert f"<h1>{grams:.1f} g after 8 hours</h1>" in artifact(result, "ask", "answer_report")


def test_a_model_is_served_only_if_it_is_good_enough(shared_cache: Cache, tmp_path: Path) -> None:
    good = run("train_and_serve", {"degree": 3}, shared_cache, tmp_path)
    bad = run("train_and_serve", {"degree": 1}, shared_cache, tmp_path)

    assert good.step("ask").metrics["answer_metrics"]["largest_difference"] == 0
    assert "<h1>The endpoint answers as the model does</h1>" in artifact(good, "ask", "answer_report")
    assert "<h1>Good enough to be served</h1>" in artifact(good, "judge", "model_report")
    assert bad.step("judge").outputs["error"] > 0.1 > good.step("judge").outputs["error"]
    assert [step.name for step in bad.steps] == ["train", "judge"]
    assert "<h1>Not served: the error is above the limit</h1>" in artifact(bad, "judge", "model_report")


def _fit_command(model: Path, report: Path) -> list[str]:
    """The command of the step fit, as KFP's launcher fills it in."""
    document, *_ = yaml.safe_load_all((FOLDER / "build_then_run.yaml").read_text())
    container = document["deploymentSpec"]["executors"]["exec-fit"]["container"]
    values = {
        "{{$.inputs.parameters['degree']}}": "3",
        "{{$.outputs.artifacts['fitted_model'].path}}": str(model),
        "{{$.outputs.artifacts['fit_report'].path}}": str(report),
    }
    return [values.get(one, one) for one in (*container["command"], *container["args"])]


def test_the_step_after_the_build_runs_in_the_built_image() -> None:
    document, *_ = yaml.safe_load_all((FOLDER / "build_then_run.yaml").read_text())
    image = document["deploymentSpec"]["executors"]["exec-fit"]["container"]["image"]

    assert image == "{{$.inputs.parameters['pipelinechannel--append-image-image']}}"


def test_the_bundle_of_the_folder_runs_as_the_step_does(tmp_path: Path) -> None:
    packed = run_component(
        "preprocessing/preprocess_script", tmp_path / "packed", {"script": "fit.py"}, {"source": str(FOLDER)}
    )
    assert packed.code == 0, packed.log
    python, script, *arguments = _fit_command(tmp_path / "model", tmp_path / "report")
    bundle = packed.artifact("bundle")
    (placed,) = bundle.rglob(Path(script).name)
    done = subprocess.run([sys.executable, placed, *arguments], capture_output=True, text=True, check=False)

    assert python == "python3"
    assert done.returncode == 0, done.stderr
    assert len(json.loads((tmp_path / "model").read_text())["coefficients"]) == 4
    assert "<h1>A curve of degree 3 with a mean squared error of 0.01" in (tmp_path / "report").read_text()
