"""Pipelines in pipelines, and artifacts between them."""

from typing import List, NamedTuple, Optional

from kfp import dsl

from tests.unit.local.corpus.steps import (
    add,
    join,
    judge,
    last,
    listed,
    mapped,
    maybe,
    model,
    optional,
    origin,
    read,
    shown,
    text,
    total,
    write,
)


@dsl.pipeline
def inner(
    n: int = 3,
    rate: float = 2.5,
    word: str = "default",
    rows: list = [1, 2.0],
    table: dict = {"b": 1},
    nothing: Optional[str] = None,
) -> int:
    shown(value=word, more=f"{rate} {n}")
    listed(value=rows)
    mapped(value=table)
    optional(b=nothing)
    return add(a=n).output


@dsl.pipeline
def middle(n: int) -> NamedTuple("Outputs", [("first", int), ("second", int)]):
    one = inner(n=n)
    two = inner(n=one.output, word="given", nothing="some")
    made = NamedTuple("Outputs", [("first", int), ("second", int)])
    return made(one.output, two.output)


@dsl.pipeline
def twice() -> int:
    inner()
    return add(a=inner(n=10).output).output


@dsl.pipeline
def deep(n: int = 1) -> int:
    add(a=n)
    one = middle(n=n)
    add(a=one.outputs["first"], b=one.outputs["second"])
    return middle(n=one.outputs["second"]).outputs["second"]


@dsl.pipeline
def in_loops() -> List[int]:
    with dsl.ParallelFor([1, 2]) as n:
        one = inner(n=n)
    total(values=dsl.Collected(one.output))
    return dsl.Collected(one.output)


@dsl.pipeline
def in_branches(n: int = 1) -> int:
    with dsl.If(n == 1):
        one = inner(n=n)
    with dsl.Else():
        two = add(a=n)
    return dsl.OneOf(one.output, two.output)


@dsl.pipeline
def made(depth: int) -> dsl.Model:
    return model(depth=depth).outputs["model"]


@dsl.pipeline
def judged(given: dsl.Input[dsl.Model], least: float = 0.25) -> str:
    return judge(model=given, least=least).output


@dsl.pipeline
def artifacts(depth: int = 4) -> NamedTuple("Outputs", [("best", dsl.Model), ("score", dsl.Metrics), ("verdict", str)]):
    one = made(depth=depth)
    again = model(depth=depth)
    verdict = judged(given=one.output)
    judge(model=again.outputs["model"], least=1.0)
    outputs = NamedTuple("Outputs", [("best", dsl.Model), ("score", dsl.Metrics), ("verdict", str)])
    return outputs(one.output, again.outputs["metrics"], verdict.output)


@dsl.pipeline
def files() -> str:
    one = write(content="some text")
    return read(data=one.outputs["data"]).output


@dsl.pipeline
def imported(uri: str = "s3://bucket/path", n: int = 2):
    by_parameter = dsl.importer(artifact_uri=uri, artifact_class=dsl.Dataset, metadata={"rows": 3, "kind": "x"})
    origin(data=by_parameter.output)
    by_constant = dsl.importer(artifact_uri="s3://bucket/other", artifact_class=dsl.Dataset, reimport=True)
    maybe(data=by_constant.output)
    maybe()


@dsl.pipeline
def import_of_an_output():
    made = dsl.importer(artifact_uri=text(value="s3://bucket/made").output, artifact_class=dsl.Dataset)
    origin(data=made.output)


@dsl.pipeline
def metadata_of_a_parameter(kind: str = "x"):
    made = dsl.importer(artifact_uri="s3://bucket/it", artifact_class=dsl.Dataset, metadata={"kind": kind})
    origin(data=made.output)


@dsl.pipeline
def joined(models: dsl.Input[list[dsl.Model]]) -> str:
    return join(models=models).output


@dsl.pipeline
def list_for_a_pipeline() -> str:
    with dsl.ParallelFor([1, 2]) as n:
        one = model(depth=n)
    return joined(models=dsl.Collected(one.outputs["model"])).output


@dsl.pipeline
def both(one: dsl.Input[dsl.Model], two: dsl.Input[dsl.Model]):
    judge(model=one)
    judge(model=two)


@dsl.pipeline
def artifact_given_twice():
    one = model(depth=1).outputs["model"]
    both(one=one, two=one)


@dsl.pipeline
def with_exit(n: int = 1):
    add(a=n)
    with dsl.ExitHandler(last(note="inner")):
        text(value="body")


@dsl.pipeline
def exits_inside() -> str:
    first = with_exit(n=3)
    return text(value="after").after(first).output


OTHERWISE = (metadata_of_a_parameter, list_for_a_pipeline)
"""What KFP runs with other values, as compiling warns."""

PIPELINES = (
    twice,
    deep,
    in_loops,
    in_branches,
    artifacts,
    files,
    imported,
    import_of_an_output,
    artifact_given_twice,
    exits_inside,
    *OTHERWISE,
)
CASES = (
    *((one, {}) for one in PIPELINES),
    (in_branches, {"n": 2}),
    (middle, {"n": 7}),
    (inner, {"nothing": "x", "rate": 3.0, "rows": []}),
)
