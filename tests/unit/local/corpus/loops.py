"""Loops: over constants, parameters and outputs, in each other, and what collects their outputs."""

from typing import List, NamedTuple

from kfp import dsl

from tests.unit.local.corpus.steps import (
    add,
    integers,
    join,
    kinds,
    listed,
    mapped,
    model,
    pairs,
    ratio,
    several,
    shown,
    text,
    total,
    whole,
)


@dsl.pipeline
def over_constants():
    with dsl.ParallelFor([1, 2]) as n:
        add(a=n)
    with dsl.ParallelFor(["a", "b"]) as word:
        text(value=word)
    with dsl.ParallelFor([0.5, 2.0]) as rate:
        ratio(value=rate)


@dsl.pipeline
def over_dictionaries():
    with dsl.ParallelFor([{"a": 1, "b": "x"}, {"a": 2, "b": "y"}]) as one:
        add(a=one.a)
        shown(value=f"{one.a} {one.b}")
        mapped(value=one)


@dsl.pipeline
def over_parameters(words: list = ["a", "b"], numbers: List[int] = [1, 2], rows: List[dict] = [{"k": 1}]):
    with dsl.ParallelFor(words) as word:
        text(value=word)
        text(value=f"<{word}>")
    with dsl.ParallelFor(numbers) as n:
        whole(value=n)
    with dsl.ParallelFor(rows) as row:
        whole(value=row.k)


@dsl.pipeline
def over_outputs(count: int = 3) -> int:
    made = integers(count=count)
    with dsl.ParallelFor(made.output) as n:
        added = add(a=n, b=100)
        shown(value=f"n {n}", more=f"{added.output}")
    with dsl.ParallelFor(pairs().output) as pair:
        shown(value=pair.name, more=f"{pair.size} {pair.rate}")
        ratio(value=pair.rate)
    return total(values=dsl.Collected(added.output)).output


@dsl.pipeline
def over_named_output():
    one = several(a=2)
    with dsl.ParallelFor(one.outputs["rows"]) as row:
        shown(value=row, more=one.outputs["name"])


@dsl.pipeline
def in_loops() -> List[int]:
    with dsl.ParallelFor([1, 2]) as a:
        with dsl.ParallelFor([10, 20]) as b:
            added = add(a=a, b=b)
        inner = total(values=dsl.Collected(added.output))
        whole(value=inner.output)
    return dsl.Collected(inner.output)


@dsl.pipeline
def in_loops_of_items(rows: list = [[1, 2], [3]]):
    with dsl.ParallelFor(rows) as row:
        kinds(value=row)
        with dsl.ParallelFor(listed(value=row).output) as n:
            whole(value=n)


@dsl.pipeline
def collected_across_loops() -> list:
    with dsl.ParallelFor([1, 2]) as a, dsl.ParallelFor([10, 20]) as b:
        added = add(a=a, b=b)
    return listed(value=dsl.Collected(added.output)).output


@dsl.pipeline
def collected_outputs() -> NamedTuple("Outputs", [("numbers", List[int]), ("names", List[str])]):
    with dsl.ParallelFor([1, 2, 3], parallelism=1) as n:
        one = several(a=n)
    listed(value=dsl.Collected(one.outputs["rows"]))
    made = NamedTuple("Outputs", [("numbers", List[int]), ("names", List[str])])
    return made(dsl.Collected(one.outputs["number"]), dsl.Collected(one.outputs["name"]))


@dsl.pipeline
def collected_artifacts() -> str:
    with dsl.ParallelFor([1, 2, 3]) as n:
        one = model(depth=n)
    return join(models=dsl.Collected(one.outputs["model"])).output


@dsl.pipeline
def without_items(rows: list = []):
    with dsl.ParallelFor(rows) as n:
        text(value=n)
    text(value="after")


@dsl.pipeline
def outer_values(factor: int = 5):
    base = add(a=1)
    with dsl.ParallelFor([1, 2]) as n:
        add(a=base.output, b=n)
        add(a=factor, b=n)


@dsl.pipeline
def chains_in_loops():
    with dsl.ParallelFor([1, 2]) as n:
        first = add(a=n)
        second = add(a=first.output)
        add(a=second.output, b=first.output)


@dsl.pipeline
def wrong_items(rows: list = [1, "x"]):
    with dsl.ParallelFor(rows) as n:
        whole(value=n)


CASES = (
    *(
        (one, {})
        for one in (
            over_constants,
            over_dictionaries,
            over_parameters,
            over_outputs,
            over_named_output,
            in_loops,
            in_loops_of_items,
            collected_across_loops,
            collected_outputs,
            collected_artifacts,
            without_items,
            outer_values,
            chains_in_loops,
            wrong_items,
        )
    ),
    (over_parameters, {"words": ["x"], "numbers": [], "rows": [{"k": 3}, {"k": 4}]}),
)
