"""Stub components: what KFP reads from a signature."""

from __future__ import annotations

import inspect
from typing import Any, NamedTuple

import pytest
from kfp import dsl

from fairing_kfp.preprocess.kfp_types import without_items
from fairing_kfp.preprocess.stub import stub_component


def parameter(name: str, annotation: object) -> inspect.Parameter:
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, annotation=annotation)


def test_a_signature_becomes_a_component() -> None:
    component = stub_component(
        "my-step",
        [parameter("depth", int), parameter("model", dsl.Output[dsl.Model])],
        returns=float,
        doc="Trains.\n\nArgs:\n    depth: how deep",
        image="registry.example.com/me/step:1",
        command=("python3", "/step.py"),
        arguments=("--order", "{}"),
    )

    specification = component.component_spec
    container = specification.implementation.container
    assert component.name == "my-step"
    assert specification.inputs["depth"].description == "how deep"
    assert set(specification.outputs) == {"model", "Output"}
    assert (container.image, container.command) == ("registry.example.com/me/step:1", ["python3", "/step.py"])
    assert container.args[0] == "--executor_input"
    assert container.args[2:] == ["--order", "{}"]


def test_a_type_that_kfp_does_not_support_is_an_error_of_kfp() -> None:
    with pytest.raises(TypeError):
        stub_component("step", [parameter("path", set)], image="x", command=("x",))


@pytest.mark.parametrize(
    ("written", "read"),
    [
        (list[int], list),
        (dict[str, list[int]], dict),
        (list[int] | None, list | None),
        (dsl.Input[list[dsl.Model]], dsl.Input[list[dsl.Model]]),
        (int | None, int | None),
    ],
)
def test_types_of_items_are_not_passed_to_kfp(written: Any, read: Any) -> None:
    """KFP before 2.15 would take them for names of artifacts."""
    assert without_items(written) == read


def test_types_of_items_in_named_tuples_are_not_passed_to_kfp() -> None:
    kinds = [NamedTuple("Made", [("sizes", kind), ("count", int)]) for kind in (list[int], list)]
    made, plain = (stub_component("step", [], kind, image="x", command=("x",)).component_spec for kind in kinds)

    assert without_items(kinds[0]).__annotations__ == {"sizes": list, "count": int}
    assert made == plain
