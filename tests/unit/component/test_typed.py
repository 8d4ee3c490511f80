"""Components whose parameters are of types that KFP does not know."""

import dataclasses
import datetime
import json
import pickle
from typing import Annotated, Any, Literal, NamedTuple, Optional

import numpy as np
import pandas as pd
import pytest
from kfp import dsl

from fairing_kfp import fairing_component, job
from fairing_kfp.errors import ComponentError
from fairing_kfp.pipeline.trace import trace
from fairing_kfp.preprocess.pickle.context import Packing
from fairing_kfp.preprocess.pickle.pickler import dumps
from fairing_kfp.preprocess.source import placeholders
from fairing_kfp.runtime.typed_function import TypedFunction
from fairing_kfp.runtime.value_types import Place
from tests.support.tasks import make_task
from tests.support.typed_values import Access, Bounds, Color, Config, Level, Pair, Point, Text


class Outputs(NamedTuple):
    color: Color
    count: int
    point: Point
    model: dsl.Model


HALF, SIZES, POINT = np.float64(0.5), (64, np.int64(32)), Point(1)


@fairing_component
def train(
    optimizer: Literal["adam", "sgd"],
    rate: float = HALF,  # type: ignore[assignment]
    sizes: list[int] = SIZES,  # type: ignore[assignment]
    level: int = Level.HIGH,
    text: str = Text.B,
    color: Optional[Color] = None,  # noqa: UP045 - a type of run time
    point: Point = POINT,
) -> str:
    """Trains.

    Args:
        optimizer: how it learns.
    """
    return optimizer


@fairing_component
def take(options: dict) -> None: ...


@fairing_component
def move(bounds: Bounds) -> None: ...


@fairing_component
def count() -> int:
    return 1


def constants(**arguments: Any) -> Any:
    """The constants of a task in the compiled pipeline."""

    @dsl.pipeline
    def one() -> None:
        train(**arguments)

    (task,) = trace(one).specification.document["root"]["dag"]["tasks"].values()
    return {name: value["runtimeValue"]["constant"] for name, value in task["inputs"]["parameters"].items()}


def test_descriptions_say_the_values() -> None:
    inputs = train.component_spec.inputs
    assert inputs["optimizer"].description == "how it learns. One of 'adam', 'sgd'."
    assert inputs["color"].description == "One of 'red', 'blue'."
    assert inputs["point"].description == "A Point (x, y, color, at, inner)."
    assert inputs["rate"].description is None


def test_defaults_of_kfps_types_are_plain() -> None:
    defaults = {name: one.default for name, one in train.component_spec.inputs.items()}
    assert repr([defaults[name] for name in ("rate", "sizes", "level", "text")]) == "[0.5, [64, 32], 2, 'b']"


def test_arguments_of_kfps_types_are_plain() -> None:
    given = {"rate": np.float32(0.25), "sizes": (np.int8(1), 2), "level": np.int64(3), "text": np.str_("x")}
    plain = {"rate": 0.25, "sizes": [1, 2], "level": 3, "text": "x"}
    assert constants(optimizer="sgd", **given) == {"optimizer": "sgd", **plain}


def test_none_is_omitted_where_it_is_the_default() -> None:
    assert constants(optimizer="sgd", color=None) == {"optimizer": "sgd"}
    with pytest.raises(ComponentError, match="train: the input rate is None, which KFP cannot pass"):
        constants(optimizer="sgd", rate=None)
    with pytest.raises(ComponentError, match=r"take: the input options: .* contains None, which KFP's compiler"):
        make_task(take, options={"a": [None]})
    point = constants(optimizer="sgd", point=Point(1, at=None))["point"]
    assert point == {"x": 1, "y": 0.5, "color": "red", "inner": []}


def test_outputs_of_earlier_steps_may_be_inside() -> None:
    @dsl.pipeline
    def inside() -> None:
        number = count().output
        train(optimizer=dsl.PIPELINE_JOB_NAME_PLACEHOLDER, point=POINT)
        move(bounds=Bounds(number))  # type: ignore[arg-type]
        train(optimizer="sgd", point={"x": number, "inner": [{"x": 1}]})
        with pytest.raises(ComponentError, match=r"train: the input point\.y: 'a' is not a number"):
            train(optimizer="sgd", point={"x": number, "y": "a"})

    text = json.dumps(trace(inside).specification.document)
    assert "{{$.inputs.parameters['pipelinechannel--count-Output']}}" in text


def test_numbers_in_the_text_of_a_struct_are_numbers() -> None:
    """KFP makes a text of the output of a step that is inside of a struct."""
    code: Any = _code(train)
    assert code.types["point"].decode({"x": "3", "y": "0.5"}, _place()) == Point(3)


def test_several_outputs() -> None:
    @fairing_component
    def several(rate: float) -> Outputs:  # type: ignore[empty-body]
        ...

    outputs = several.component_spec.outputs
    assert {name: one.type for name, one in outputs.items()} == {
        "color": "String",
        "count": "Integer",
        "point": "Dict",
        "model": "system.Model@0.0.1",
    }
    code: Any = _code(several)
    model = dsl.Model(uri="m")
    step = TypedFunction("several", lambda: Outputs(Color.RED, 3, Point(1), model), code.types, code.returned)
    assert step()[0:2] == ("red", 3)
    assert step()[2]["x"] == 1
    assert step()[3] is model
    assert TypedFunction("several", lambda: None, {}, code.returned)() is None  # on other nodes than the first


@pytest.mark.parametrize(
    ("annotation", "says"),
    [
        (Access, "contains the Flag Access"),
        (bytes, "is bytes"),
        (Any, "is Any|is typing.Any"),
        (int | str, r"is int \| str"),
        (Optional[complex], "contains complex"),  # noqa: UP045
        (Literal["1", 1], r"is (typing\.)?Literal\['1', 1\]"),
        (tuple[int, bytes], "contains bytes"),
        (set[complex], "contains complex"),
        (dataclasses.make_dataclass("Weights", [("values", np.ndarray)]), "the field values of Weights, a .*ndarray"),
        (list[dataclasses.make_dataclass("Inner", [("z", complex)])], "the field z of Inner, a complex"),  # type: ignore[misc]
        (
            dataclasses.make_dataclass("Init", [("seed", dataclasses.InitVar[int])]),
            "the InitVar seed of Init, which its instances do not keep",
        ),
    ],
)
def test_types_that_nothing_passes(annotation: Any, says: str) -> None:
    def step(x: Any) -> None: ...

    step.__annotations__ = {"x": annotation}
    with pytest.raises(ComponentError, match=f"step: the input x (contains .*)?({says}).*, which KFP cannot pass"):
        fairing_component(step)


@pytest.mark.parametrize("annotation", [int | None, Color | None])
def test_outputs_cannot_be_none(annotation: Any) -> None:
    def step() -> Any: ...

    step.__annotations__ = {"return": annotation}
    with pytest.raises(ComponentError, match="step: the output may be None"):
        fairing_component(step)


def test_annotations_of_kfp_stay() -> None:
    @fairing_component
    def step(
        a: Annotated[int, "of no meaning"],
        b: list[int],
        c: dict[str, Any],
        d: dsl.Input[dsl.Dataset],
        e: list[dsl.Dataset],
        f: dsl.OutputPath(int),  # type: ignore[valid-type]
        g: Optional[dsl.Input[dsl.Dataset]] = None,  # noqa: UP045
    ) -> None: ...

    kinds = {name: one.type for name, one in step.component_spec.inputs.items()}
    assert kinds["a"] == "Integer"
    code: Any = _code(step)
    assert not code.types


def test_jobs_check_and_pass_their_arguments() -> None:
    made = job(train)
    with pytest.raises(ComponentError, match="train: the input optimizer: 'sgd2' is not one of 'adam', 'sgd'"):
        make_task(made, optimizer="sgd2")

    @dsl.pipeline
    def trained() -> None:
        made(optimizer="sgd", point=Point(2))

    assert "'x': 2" in str(trace(trained).specification.document["root"]).replace("2.0", "2")


def test_local_classes_with_texts_as_annotations() -> None:
    @dataclasses.dataclass
    class Leaf:
        color: "Color"

    @dataclasses.dataclass
    class Tree:
        leaves: "list[Leaf]"
        at: "datetime.date | None" = None

    @fairing_component
    def grow(tree: Tree, pair: Pair, configs: list[Config]) -> Tree:
        return tree

    code: Any = _code(grow)
    step = TypedFunction("grow", code.function, code.types, code.returned)
    given = {"tree": {"leaves": [{"color": "red"}]}, "pair": {"first": 1}, "configs": []}
    assert step(**given) == given["tree"]
    assert code.types["tree"].decode(given["tree"], _place()) == Tree([Leaf(Color.RED)])


def test_a_type_that_contains_itself_is_packed_alike() -> None:
    code: Any = _code(train)
    packed = dumps(code.types, Packing())
    assert packed == dumps(code.types, Packing())
    again = pickle.loads(packed)
    assert again["point"].fields["inner"][0].item is again["point"]


def test_a_timestamp_is_a_datetime() -> None:
    def step(at: datetime.datetime, day: datetime.date) -> None: ...

    made = fairing_component(step)
    code: Any = _code(made)
    assert code.types["at"].encode(pd.Timestamp("2026-01-31 08:30"), _place()) == "2026-01-31T08:30:00"
    with pytest.raises(ComponentError, match=r"the input day: datetime\S* .* is not a date of ISO 8601"):
        make_task(made, at=datetime.datetime(2026, 1, 1), day=pd.Timestamp("2026-01-31"))


def _code(component: Any) -> Any:
    image = component.component_spec.implementation.container.image
    return placeholders(image)[image].code


def _place() -> Place:
    return Place("x")
