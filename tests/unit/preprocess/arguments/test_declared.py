"""Arguments of scripts and notebooks of types that KFP does not know: checked, and passed as JSON."""

import datetime
import inspect
import json
import pathlib
import pickle
from pathlib import Path
from typing import Any, Literal, Optional

import numpy as np
import pytest

from fairing_kfp import fairing_component
from fairing_kfp.errors import ComponentError
from fairing_kfp.preprocess.arguments.inputs import Inputs, inputs_of
from fairing_kfp.preprocess.arguments.read import read_arguments
from fairing_kfp.preprocess.source import placeholders
from fairing_kfp.runtime.results import PassingError
from tests.support.tasks import make_task
from tests.support.typed_values import Access, Color, Level, Point, Text

PARSER = """
import argparse
parser = argparse.ArgumentParser()
parser.add_argument("--optimizer", choices=["adam", "sgd"], default="adam")
parser.add_argument("--size", type=int, choices=(1, 2), required=True)
parser.add_argument("--colors", nargs="*", choices=["red", "blue"])
parser.add_argument("--free", type=str.lower, choices=["a", "b"])
parser.add_argument("--odd", choices=["a", "b"], default="c")
parser.add_argument("--mode")
parser.add_argument("--day")
"""
CLICK = """
import click
@click.command()
@click.option("--kind", type=click.Choice(["x", "y"]), default="x")
@click.option("--loose", type=click.Choice(["x", "y"], case_sensitive=False))
@click.argument("place", type=click.Choice(["here", "there"]))
def main(kind, loose, place): ...
main()
"""


def inputs(declared: dict[str, Any], text: str = PARSER) -> Inputs:
    return inputs_of(read_arguments(text, "train.py", ""), declared, "train.py")


def expected(made: Inputs) -> dict[str, str]:
    return {name: kind.expected for name, kind in made.types.items()}


def test_choices_are_read() -> None:
    assert expected(inputs({})) == {"optimizer": "one of 'adam', 'sgd'", "size": "one of 1, 2", "colors": "a list"}
    assert expected(inputs({"--optimizer": str, "size": 2}))["size"] == "one of 1, 2"
    assert "optimizer" not in inputs({"--optimizer": str}).types
    assert expected(inputs({}, CLICK)) == {"kind": "one of 'x', 'y'", "place": "one of 'here', 'there'"}


def test_declared_types_and_defaults() -> None:
    made = inputs(
        {
            "--mode": Literal["fast", "slow"],
            "--day": datetime.date(2026, 1, 31),
            "--size": Level.HIGH,
            "--colors": tuple[Color, ...],
            "--optimizer": Optional[Color],  # noqa: UP045
            "--odd": Text.A,
        }
    )
    assert {one.name: (one.annotation, one.default) for one in made.parameters if one.name != "free"} == {
        "mode": (str, inspect.Parameter.empty),
        "day": (str, "2026-01-31"),
        "size": (int, 2),
        "colors": (list, inspect.Parameter.empty),
        "optimizer": (Optional[str], None),  # noqa: UP045
        "odd": (str, "a"),
    }
    assert set(made.types) == {"mode", "day", "size", "colors", "optimizer", "odd"}
    words = made.line.words({"mode": "fast", "day": "2026-01-31", "size": 1, "colors": ["red"], "optimizer": "blue"})
    assert sorted(words) == sorted(
        ["--colors", "red", "--optimizer=blue", "--size=1", "--mode=fast", "--day=2026-01-31"]
    )


@pytest.mark.parametrize(
    ("declared", "says"),
    [
        ({"--mode": Access}, "the input --mode contains the Flag Access"),
        ({"--mode": tuple[complex, int]}, "the input --mode contains complex"),
        ({"--size": Color.RED}, r"gives --size the default 'red', but its type is int"),
    ],
)
def test_wrong_declarations(declared: dict[str, Any], says: str) -> None:
    with pytest.raises(ComponentError, match=says):
        inputs(declared)


def component_of(folder: Path) -> Any:
    (folder / "train.py").write_text(PARSER)
    return fairing_component.from_script(
        str(folder / "train.py"), arguments={"--mode": Point, "--day": pathlib.Path, "--odd": np.str_("b")}
    )


def test_a_script_checks_its_arguments_and_gets_json(tmp_path: Path) -> None:
    component = component_of(tmp_path)
    assert component.component_spec.inputs["optimizer"].description == "One of 'adam', 'sgd'."
    for wrong, says in [
        ({"optimizer": "sgd2"}, r"train: the input optimizer: 'sgd2' is not one of 'adam', 'sgd'"),
        ({"size": 3}, r"train: the input size: 3 is not one of 1, 2"),
        ({"colors": ["green"]}, r"train: the input colors\[0\]: 'green' is not one of"),
        ({"mode": {"x": "a"}}, r"train: the input mode\.x: 'a' is not an integer"),
    ]:
        with pytest.raises(ComponentError, match=says):
            make_task(component, **{"size": 1, "mode": Point(1), "day": Path("a"), **wrong})


def test_the_step_of_a_script_checks_again(tmp_path: Path) -> None:
    image = component_of(tmp_path).component_spec.implementation.container.image
    packed = placeholders(image)[image].bundle()
    (data,) = (file.data for file in packed.files if file.path.endswith("function.pickle"))
    step = pickle.loads(data)["function"]
    received: dict[str, Any] = {}
    object.__setattr__(step, "function", lambda **values: received.update(values))
    step(size=1, mode={"x": 1}, day="a/b", optimizer="sgd")
    assert received == {"size": 1, "mode": {"x": 1}, "day": "a/b", "optimizer": "sgd"}
    with pytest.raises(PassingError, match="train: the input optimizer: 'sgd2' is not one of 'adam', 'sgd'"):
        step(optimizer="sgd2")


@pytest.mark.parametrize("mode", ["full", "script"])
def test_a_notebook_checks_its_arguments(tmp_path: Path, mode: Any) -> None:
    cell = {"cell_type": "code", "metadata": {"tags": ["parameters"]}, "source": 'color = "red"', "outputs": []}
    notebook = {"cells": [{**cell, "execution_count": None}], "metadata": {}, "nbformat": 4, "nbformat_minor": 4}
    (tmp_path / "paint.ipynb").write_text(json.dumps(notebook))
    component = fairing_component.from_notebook(
        tmp_path / "paint.ipynb", mode=mode, arguments={"color": Color.BLUE, "sizes": list[Level]}
    )
    spec = component.component_spec.inputs
    assert (spec["color"].type, spec["color"].default, spec["sizes"].type) == ("String", "blue", "List")
    with pytest.raises(ComponentError, match="paint: the input color: 'green' is not one of 'red', 'blue'"):
        make_task(component, color="green", sizes=[1])
    with pytest.raises(ComponentError, match=r"paint: the input sizes\[1\]: 3 is not one of 1, 2"):
        make_task(component, sizes=[1, 3])
    image = component.component_spec.implementation.container.image
    packed = placeholders(image)[image].bundle()
    (data,) = (file.data for file in packed.files if file.path.endswith("function.pickle"))
    step = pickle.loads(data)["function"]
    with pytest.raises(PassingError, match="paint: the input color: 'green' is not one of 'red', 'blue'"):
        step(color="green")
