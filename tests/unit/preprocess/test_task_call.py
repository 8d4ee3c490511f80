"""Calls of components: tasks in a pipeline, functions elsewhere, and clear errors for their arguments."""

import datetime
import math
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NamedTuple

import pytest
from kfp import dsl

from fairing_kfp import OUTPUT, fairing_component, job
from fairing_kfp.components import compare_metrics
from fairing_kfp.errors import ComponentError, StepFailedError


class Scores(NamedTuple):
    low: int
    high: int


@fairing_component(secrets={"TOKEN": "store/token"})
def word_of(number: int, options: dict = {}, name: str = "", weights: list = []) -> str:  # noqa: B006 - as authors write
    return f"{number} {options} {name}"


@fairing_component
def train(depth: int, scans: dsl.Input[dsl.Dataset], model: dsl.Output[dsl.Model]) -> float:
    Path(model.path).write_text(f"{depth} of {scans.uri}")
    return depth / 2


@fairing_component
def marked(depth: int, model: dsl.Output[dsl.Model] = OUTPUT) -> float:
    return depth / 2


@fairing_component
def scores(number: int | None = None) -> Scores:
    return Scores(1, 2)


@fairing_component
def quiet(number: int) -> None: ...


def test_outside_of_a_pipeline_a_component_is_its_function() -> None:
    assert word_of(3) == "3 {} "
    assert word_of(number=3, name="x") == "3 {} x"
    assert scores() == Scores(1, 2)
    assert job(quiet)(number=1) is None


def test_artifacts_are_arguments_of_the_function(tmp_path: Path) -> None:
    model = dsl.Model(uri=str(tmp_path / "model"))

    assert train(depth=4, scans=dsl.Dataset(uri="scans"), model=model) == 2
    assert Path(model.path).read_text() == "4 of scans"


def test_what_a_function_raises_is_its_own() -> None:
    @fairing_component
    def fails(number: int) -> int:
        return 1 // number

    with pytest.raises(ZeroDivisionError):
        fails(0)


ENDS = """
import argparse, sys
parser = argparse.ArgumentParser()
parser.add_argument("--code", type=int)
sys.exit(parser.parse_args().code)
"""


def test_a_script_runs(tmp_path: Path) -> None:
    (tmp_path / "ends.py").write_text(ENDS)
    ends = fairing_component.from_script(str(tmp_path / "ends.py"))

    assert ends(code=0) is None
    with pytest.raises(StepFailedError, match="ends failed with exit code 7"):
        ends(code=7)
    with pytest.raises(ComponentError, match="ends has no parameter 'cod'"):
        ends(cod=7)


@pytest.mark.parametrize(
    ("call", "message", "remedy"),
    [
        (lambda: word_of(), "missing a required argument: 'number'", "fairing_kfp.run(word_of)"),
        (
            lambda: word_of(3, nam="x"),
            "word-of has no parameter 'nam'",
            "its parameters are number, options, name, weights",
        ),
        (
            lambda: train(depth=3),
            "missing a required argument: 'scans'; its outputs are arguments, too: model",
            'fairing_kfp.run(train, {"depth": 3})',
        ),
        (
            lambda: marked(depth=3),
            "missing a required argument: 'model'; its outputs are arguments, too: model",
            "artifacts by fairing_kfp.testing.fake_artifact; or run it as a step: fairing_kfp.run(marked",
        ),
        (
            lambda: compare_metrics(metric="accuracy"),
            "compare-metrics is called outside of a pipeline, and has no Python function",
            "call it in a function decorated with @dsl.pipeline",
        ),
    ],
    ids=range(5),
)
def test_what_cannot_run_here_says_how_to_run_it(call: Callable[[], Any], message: str, remedy: str) -> None:
    with pytest.raises(ComponentError) as raised:
        call()

    assert message in raised.value.message
    assert remedy in raised.value.remedy


ARRAY = SimpleNamespace(tolist=lambda: [1])  # as of numpy
MISTAKES: dict[str, tuple[Callable[[], Any], str, str]] = {
    "position": (
        lambda: word_of(3, {}),
        "word-of is called with arguments by position",
        "write word_of(number=3, options={})",
    ),
    "unknown": (lambda: word_of(numbr=3), "word-of has no parameter 'numbr'", "number, options, name, weights"),
    "output": (lambda: train(depth=1, model="m"), "train: model is an output", 'train_task.outputs["model"]'),
    "missing": (
        lambda: train(),
        "train needs a value for depth, scans",
        "add depth=<int>, scans=<an output of the type dsl.Dataset>",
    ),
    "none": (
        lambda: word_of(number=None),
        "word-of: the input number is None",
        "give the parameter the default None, or a value",
    ),
    "none-optional": (
        lambda: word_of(number=1, name=None),
        "the input name is None",
        "give the parameter the default None, or a value",
    ),
    "nested-none": (
        lambda: word_of(number=1, options={"a": [1, {"b": None}]}),
        "the input options: {'a': [1, {'b': None}]} contains None",
        "omit it",
    ),
    "set": (lambda: word_of(number=1, weights={1}), "weights is {1}, of the type set", "pass a list"),
    "date": (lambda: word_of(number=1, name=datetime.date(2026, 1, 2)), "of the type date", "isoformat()"),
    "array": (lambda: word_of(number=1, weights=ARRAY), "of the type SimpleNamespace", "tolist()"),
    "object": (lambda: word_of(number=1, weights=[object]), "weights[0] is <class 'object'>", "as an artifact"),
    "nan": (lambda: word_of(number=1, weights=[math.nan]), "weights[0] is nan, which JSON does not have", '"nan"'),
    "key": (lambda: word_of(number=1, options={1: 2}), "options has the key 1, and keys are text", '"1"'),
    "task": (
        lambda: word_of(number=word_of(number=1)),
        "number is the task word-of, not its output",
        "number=….output",
    ),
    "tasks": (
        lambda: word_of(number=scores()),
        "the task scores, not its output",
        'outputs["low"] (its outputs: low, high)',
    ),
    "no-output": (lambda: word_of(number=quiet(number=1)), "the task quiet, not its output", "it has none"),
    "artifact": (lambda: train(depth=1, scans=dsl.Dataset(uri="x")), "scans is an artifact made here", "dsl.importer"),
    "type": (lambda: word_of(number="3"), "word-of: the parameter number takes int, and gets str", "pass int"),
    "parameter": (
        lambda: train(depth=1, scans="gs://x"),
        "the parameter scans takes dsl.Dataset, and gets str",
        "pass",
    ),
    "channel": (lambda: word_of(number=word_of(number=1).output), "takes int, and gets str", "pass int"),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_names_the_component_and_the_parameter(mistake: str) -> None:
    call, message, remedy = MISTAKES[mistake]

    def pipeline():
        call()

    with pytest.raises(ComponentError) as raised:
        dsl.pipeline(pipeline)
    assert message in raised.value.message
    assert remedy in raised.value.remedy


def test_ordinary_arguments_make_tasks() -> None:
    @dsl.pipeline
    def ordinary(number: int = 1):
        first = word_of(number=number, options={"a": [number, 1.5, True, "x"], "b": {}}, name=f"number {number}")
        with dsl.ParallelFor([{"low": 1}]) as item:
            word_of(number=item.low, name=first.output, weights=[first.output])

    assert len(ordinary.pipeline_spec.root.dag.tasks) == 2
