"""Annotations of every form, kept as text."""

from __future__ import annotations

import typing
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Annotated, Any, Literal, NamedTuple, Optional, Union

import fairing_kfp
from fairing_kfp import fairing_component

if TYPE_CHECKING:
    from decimal import Decimal


class Both(NamedTuple):
    left: int
    right: str


def typed(
    a: int,
    b: list[dict[str, tuple[int, ...]]],
    c: Optional[Union[int, str]] = None,
    d: Callable[[int], str] | None = None,
    e: Annotated[int, "metres"] = 3,
    f: Literal["x", "y"] = "x",
    *,
    g: Decimal | None = None,
) -> Iterable[Any]:
    return [a, b, e, f]  #>     return [a, b, f, e] [case_typed_helper]


def case_typed_helper() -> str:
    return str([typed(1, []), typed.__annotations__["g"]])


@fairing_component
def case_component() -> Both:
    return Both(1, "one")  #>     return Both(2, "one") [case_component, case_calls_component]


def case_calls_component() -> str:
    return str([case_component.python_func(), inner_hint(3)])


def inner_hint(x: int) -> "int":
    y: Undefined = x + 1  #>     y: Undefined = x + 2 [case_calls_component]
    return y


if __name__ == "__main__":
    exec(__import__("os").environ["PACK"])
