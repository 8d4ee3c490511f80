"""Values of types that KFP does not know, on their way through defaults, arguments, steps and outputs."""

import inspect
import json
import typing
from typing import Any

import pytest
from kfp import dsl

from fairing_kfp import fairing_component
from fairing_kfp.errors import ComponentError, PipelineError
from fairing_kfp.local.values import as_passed
from fairing_kfp.pipeline.arguments import check_arguments
from fairing_kfp.pipeline.input_types import TypedInputs
from fairing_kfp.pipeline.specification import Specification
from fairing_kfp.pipeline.trace import TracedPipeline, trace
from fairing_kfp.preprocess.source import placeholders
from fairing_kfp.runtime.results import PassingError
from fairing_kfp.runtime.typed_function import TypedFunction
from tests.support.tasks import make_task
from tests.support.typed_values import CASES

_PYTHON = {"STRING": str, "NUMBER_INTEGER": int, "NUMBER_DOUBLE": float, "BOOLEAN": bool, "LIST": list, "STRUCT": dict}
VALUES = [
    pytest.param(case, value, written, id=f"{case[0]}-{number}")
    for case in CASES
    for number, (value, written) in enumerate(case[3])
]
WRONG = [pytest.param(case, value, id=f"{case[0]}-{number}") for case in CASES for number, value in enumerate(case[4])]


def component_of(annotation: Any, *default: Any) -> Any:
    """A component that gives out its input `x`, unless that may be None, or would be several outputs."""

    def give(x: Any) -> Any:
        return x

    give.__annotations__ = {"x": annotation}
    is_optional = not {None, type(None)}.isdisjoint(typing.get_args(annotation))
    if not is_optional and not hasattr(annotation, "_fields"):
        give.__annotations__["return"] = annotation
    give.__defaults__ = default or None
    return fairing_component(give)


def step_of(component: Any, function: Any = None) -> TypedFunction:
    """What a step calls."""
    image = component.component_spec.implementation.container.image
    code: Any = placeholders(image)[image].code
    return TypedFunction("give", function or code.function, code.types, code.returned)


def passed(written: Any) -> Any:
    """JSON after it passed KFP."""
    return as_passed(json.loads(json.dumps(written, allow_nan=False)))


@pytest.fixture(scope="module")
def components() -> dict[str, Any]:
    """A component for each case, by name."""
    return {name: component_of(annotation) for name, annotation, *_ in CASES}


@pytest.fixture(scope="module")
def traced(components: dict[str, Any]) -> TracedPipeline:
    """A pipeline that passes its parameters, and each value as a constant, to the components."""
    names = {name: name.replace(" ", "_") for name in components}

    def values(*given: Any) -> None:
        for (name, _, _, values, _), parameter in zip(CASES, given, strict=True):
            components[name](x=parameter)
            for number, (value, _) in enumerate(values):
                components[name](x=value).set_display_name(f"{name}-{number}")

    values.__signature__ = inspect.Signature(  # type: ignore[attr-defined]
        [
            inspect.Parameter(names[name], inspect.Parameter.POSITIONAL_OR_KEYWORD, annotation=_PYTHON[kind])
            for name, _, kind, *_ in CASES
        ]
    )
    return trace(dsl.pipeline(values))


@pytest.fixture(scope="module")
def typed(traced: TracedPipeline) -> TypedInputs:
    """The inputs to which its parameters are passed."""
    return traced.typed_inputs


@pytest.mark.parametrize(("case", "value", "written"), VALUES)
def test_values_reach_the_step_and_the_next_one(case: Any, value: Any, written: Any) -> None:
    received: list[Any] = []
    made = component_of(case[1], value)
    assert passed(made.component_spec.inputs["x"].default) == passed(written)

    def take(x: Any) -> Any:
        received.append(x)
        return x

    step = step_of(made, take)
    output = step(x=passed(written))
    assert received == [value]
    assert type(received[0]) is type(value) or case[0] in ("literal", "ints")  # given as scalars of numpy
    if step.returned is not None:
        assert passed(output) == passed(written)
        step(x=passed(output))
        assert received == [value, value]


@pytest.mark.parametrize(("case", "value", "written"), VALUES)
def test_arguments_of_runs(traced: TracedPipeline, typed: TypedInputs, case: Any, value: Any, written: Any) -> None:
    name, kind = case[0].replace(" ", "_"), case[2]
    assert traced.specification.parameters[name]["parameterType"] == kind
    inputs = {name: typed[name]}
    for given in (value, written, written if isinstance(written, str) else json.dumps(written)):
        assert _checked(traced, name, given, inputs) == written


def test_constants_are_json_of_the_type(traced: TracedPipeline) -> None:
    """What any other component gets."""
    constants, kinds = {}, {}
    components = traced.specification.components
    for task in traced.specification.document["root"]["dag"]["tasks"].values():
        source = task["inputs"]["parameters"]["x"]
        if "runtimeValue" in source:
            constants[task["taskInfo"]["name"]] = source["runtimeValue"]["constant"]
            component = components[task["componentRef"]["name"]]
            kinds[task["taskInfo"]["name"]] = component["inputDefinitions"]["parameters"]["x"]["parameterType"]
    expected = {
        f"{case[0]}-{number}": (written, case[2]) for case in CASES for number, (_, written) in enumerate(case[3])
    }
    assert {name: (passed(value), kinds[name]) for name, value in constants.items()} == {
        name: (passed(written), kind) for name, (written, kind) in expected.items()
    }


@pytest.mark.parametrize(("case", "value"), WRONG)
def test_wrong_values_are_refused_everywhere(
    traced: TracedPipeline, typed: TypedInputs, components: dict[str, Any], case: Any, value: Any
) -> None:
    name, annotation = case[0].replace(" ", "_"), case[1]
    if value is not None:
        with pytest.raises(ComponentError, match=r"give: the default of x(\S*): .+ is not "):
            component_of(annotation, value)
    with pytest.raises(ComponentError, match=r"give: the input x(\S*)(: .+ is not | is None)"):
        make_task(components[case[0]], x=value)
    if not isinstance(value, str) or case[2] == "STRING":  # else it is JSON, as in `-p x=1`
        with pytest.raises(PipelineError, match=rf"give: the input x \(the parameter {name}\)(\S*): .+ is not "):
            _checked(traced, name, value, {name: typed[name]})
    try:
        text = passed(value)
    except TypeError:  # not JSON
        return
    if text is not None and text != {"x": "1"}:  # the text of a number, as KFP makes it of an output within a struct
        with pytest.raises(PassingError, match=r"give: the input x(\S*): .+ is not "):
            step_of(components[case[0]])(x=text)
    if step_of(components[case[0]]).returned is not None and value is not None:
        with pytest.raises(PassingError, match=r"give: the output(\S*): .+ is not "):
            step_of(components[case[0]], lambda x: value)(x=passed(case[3][0][1]))


def _checked(traced: TracedPipeline, name: str, value: Any, inputs: Any) -> Any:
    """The argument of one of the parameters."""
    document = traced.specification.document
    root = {"inputDefinitions": {"parameters": {name: traced.specification.parameters[name]}}}
    specification = Specification("", {"pipelineInfo": document["pipelineInfo"], "root": root}, [])
    return check_arguments(specification, {name: value}, inputs)[name]
