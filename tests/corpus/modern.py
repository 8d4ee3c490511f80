"""Statements of Python 3.12."""

import fairing_kfp

type Pair[T] = tuple[T, T]
type Number = int | float


class Stack[T: int]:
    def __init__(self) -> None:
        self.items: list[T] = []

    def push(self, item: T) -> "Stack[T]":
        self.items.append(item)  #>         self.items.insert(0, item) [case_type_parameters]
        return self


def first[T](pair: Pair[T], *rest: T) -> T:
    return pair[0]


def case_type_parameters() -> str:
    made = Stack[int]().push(3).push(4)
    return str([made.items, first((1, 2)), Stack.__type_params__[0].__bound__, first.__type_params__, Number.__value__])


if __name__ == "__main__":
    exec(__import__("os").environ["PACK"])
