"""Components whose parameters are of types that KFP does not know, or get scalars of numpy."""

from __future__ import annotations

import inspect
import typing
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from fairing_kfp.component.component_html import ShownComponent
from fairing_kfp.errors import ComponentError
from fairing_kfp.preprocess.kfp_types import is_read_by_kfp, kfp_annotation
from fairing_kfp.preprocess.task_call import in_pipeline
from fairing_kfp.preprocess.values import described, encoded, has_none, plain
from fairing_kfp.runtime.results import PassingError

if TYPE_CHECKING:
    from fairing_kfp.runtime.value_types import ValueType


def input_types(name: str, annotations: Mapping[str, Any], scope: Mapping[str, Any]) -> dict[str, ValueType]:
    """The types of inputs that KFP does not read itself.

    Args:
        name: the component's name.
        annotations: resolved annotations; that of the return value is ignored.
        scope: the local variables where the component is made.

    Raises:
        ComponentError: a part of a type cannot be passed.
    """
    found = {
        key: _value_type(annotation, scope, f"{name}: the input {key}")
        for key, annotation in annotations.items()
        if key != "return"
    }
    return {key: kind for key, kind in found.items() if kind is not None}


def output_types(
    name: str, annotations: Mapping[str, Any], scope: Mapping[str, Any]
) -> ValueType | Mapping[str, ValueType | None] | None:
    """The types of outputs that KFP does not read itself.

    Args:
        name: the component's name.
        annotations: resolved annotations.
        scope: the local variables where the component is made.

    Returns:
        The type of the returned value; for a named tuple the types of its fields, each None if KFP reads it; or None.

    Raises:
        ComponentError: a part of a type cannot be passed, or an output may be None.
    """
    annotation = annotations.get("return")
    if not hasattr(annotation, "_fields"):
        return _output_type(annotation, scope, f"{name}: the output") if annotation is not None else None
    found = {
        key: _output_type(kind, scope, f"{name}: the output {key}") for key, kind in annotation.__annotations__.items()
    }
    return found if any(found.values()) else None


def _output_type(annotation: Any, scope: Mapping[str, Any], where: str) -> ValueType | None:
    if type(None) in typing.get_args(annotation):
        raise ComponentError(
            f"{where} may be None, and KFP has no such outputs",
            "return a value in every case, such as a dataclass with a field that may be None, or write an artifact",
        )
    return _value_type(annotation, scope, where)


def _value_type(annotation: Any, scope: Mapping[str, Any], where: str) -> ValueType | None:
    if is_read_by_kfp(annotation):
        return None
    from fairing_kfp.preprocess.annotations import value_type  # imports the types that KFP does not know

    return value_type(annotation, scope, where)


def kfp_returns(annotation: Any, returned: ValueType | Mapping[str, ValueType | None] | None) -> Any:
    """The return annotation that KFP reads.

    Args:
        annotation: the resolved annotation.
        returned: the result of `output_types`.
    """
    if not isinstance(returned, Mapping):
        return kfp_annotation(annotation, returned)
    fields = [(key, kfp_annotation(kind, returned[key])) for key, kind in annotation.__annotations__.items()]
    made: Any = typing.NamedTuple(annotation.__name__, fields)  # type: ignore[misc]
    made.__module__ = annotation.__module__
    return made


def encoded_defaults(
    name: str, parameters: Sequence[inspect.Parameter], types: Mapping[str, ValueType]
) -> tuple[inspect.Parameter, ...]:
    """Parameters with defaults as KFP passes them.

    Args:
        name: the component's name.
        parameters: its parameters.
        types: types of inputs that KFP does not read itself.

    Raises:
        ComponentError: a default is not of its type.
    """
    return tuple(
        one.replace(default=_passed(types.get(one.name), one.default, f"{name}: the default of {one.name}"))
        if one.default is not inspect.Parameter.empty
        else one
        for one in parameters
    )


def with_types(component: Any, types: Mapping[str, ValueType]) -> Any:
    """Lets a KFP component check its arguments and pass them as JSON, describe its inputs, and be displayed.

    Args:
        component: the component; changed in place.
        types: types of inputs that KFP does not read itself.
    """
    for name, kind in types.items():
        one = component.component_spec.inputs[name]
        one.description = " ".join(filter(None, [one.description, described(kind)]))

    class TypedComponent(type(component), ShownComponent):  # type: ignore[misc]  # kfp has no types
        def __call__(self, *arguments: Any, **named: Any) -> Any:
            if not in_pipeline():  # a call of the function, which takes the values as they are
                return super().__call__(*arguments, **named)
            given = {}
            for name, value in named.items():
                where = f"{self.name}: the input {name}"
                if value is not None:
                    given[name] = _passed(types.get(name), value, where)
                elif not _is_none_by_default(self, name):
                    raise ComponentError(
                        f"{where} is None, which KFP cannot pass", "give the parameter the default None, or a value"
                    )
            return super().__call__(*arguments, **given)

    component.__class__ = TypedComponent
    return component


def _is_none_by_default(component: Any, name: str) -> bool:
    """Whether an input may be omitted, and is None then; also of a name that is no input, which KFP reports."""
    one = (component.component_spec.inputs or {}).get(name)
    return one is None or (one.optional and one.default is None)


def _passed(kind: ValueType | None, value: Any, where: str) -> Any:
    if kind is None or value is None:
        made = plain(value)
    else:
        try:
            made = encoded(kind, value, where)
        except PassingError as error:
            raise ComponentError(str(error), f"give {kind.expected}") from None
    if made is not None and has_none(made):
        raise ComponentError(
            f"{where}: {made!r} contains None, which KFP's compiler cannot pass in a list or dictionary",
            "omit it, or give a field that may be None the default None",
        )
    return made
