"""Annotations that are objects."""

import typing
from collections.abc import Callable
from typing import Annotated, Any, Dict, List, Literal, Optional, ParamSpec, Tuple, TypeVar, Union

import fairing_kfp

P = ParamSpec("P")
S = TypeVar("S", int, str)
A1 = Optional[List[int]]
A2 = Optional[List[int]]


class Node:
    def __init__(self, children: List["Node"] = (), parent: "Node" = None):
        self.children = children


def generic(function: Callable[P, S], *args: P.args, **kwargs: P.kwargs) -> S:
    return function(*args, **kwargs)


def hinted(
    a: Dict[str, List[Tuple[int, ...]]],
    b: Union[int, "str", None],
    c: int | str | None = 4,  #>     c: int | bytes | None = 4, [case_hints]
    d: Annotated[List[Node], {"unit": "m"}] = (),
    e: Literal["on", 1, None] = "on",
    f: Callable[..., Any] = repr,
) -> type[Node]:
    return a


def case_hints() -> str:
    return str(typing.get_type_hints(hinted))


def case_generic_function() -> str:
    return str([generic(max, 3, 4), [name for name in generic.__annotations__], S.__constraints__])  #>     return str([generic(max, 3, 5), [name for name in generic.__annotations__], S.__constraints__])


def case_equal_hints() -> str:
    return str([A1 == A2, str(A1)])  #>     return str([A1 != A2, str(A1)])


def case_tree() -> str:
    return str([len(Node([Node(), Node()]).children), typing.get_type_hints(Node.__init__)["children"]])  #>     return str([len(Node([Node()]).children), typing.get_type_hints(Node.__init__)["children"]])


if __name__ == "__main__":
    exec(__import__("os").environ["PACK"])
