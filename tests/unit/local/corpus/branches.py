"""Conditions, and what takes the output of the branch that ran."""

from kfp import dsl

from tests.unit.local.corpus.steps import add, flag, integers, judge, model, ratio, text, whole


@dsl.pipeline
def three_ways(n: int) -> str:
    with dsl.If(n == 1):
        one = text(value="one")
    with dsl.Elif(n == 2):
        two = text(value="two")
    with dsl.Else():
        many = text(value=f"many {n}")
    chosen = dsl.OneOf(one.output, two.output, many.output)
    text(value=chosen)
    return chosen


@dsl.pipeline
def compared(n: int, rate: float, yes: bool, word: str):
    with dsl.If(n > 2):
        text(value="n > 2")
    with dsl.If(n <= 2):
        text(value="n <= 2")
    with dsl.If(rate >= 0.5):
        text(value="rate >= 0.5")
    with dsl.If(rate == 1):
        text(value="rate == 1")
    with dsl.If(yes == True):  # noqa: E712
        text(value="yes")
    with dsl.If(yes != True):  # noqa: E712
        text(value="no")
    with dsl.If(word == "a b"):
        text(value="word == a b")
    with dsl.If(word < "b"):
        text(value="word < b")
    with dsl.If(n == whole(value=3).output):
        text(value="n == 3")


@dsl.pipeline
def by_outputs(n: int = 3):
    with dsl.If(add(a=n).output == 4):
        with dsl.If(flag(value=True).output == True):  # noqa: E712
            inner = text(value="inner")
            text(value=inner.output)
        with dsl.If(ratio(value=0.5).output < 0.5):
            text(value="never")
    with dsl.If(text(value="x").output == "x", name="named"):
        text(value="named")


@dsl.pipeline
def in_a_loop():
    with dsl.ParallelFor([1, 2, 3]) as n:
        with dsl.If(n == 2):
            text(value=f"two {n}")
        with dsl.Else():
            text(value=f"other {n}")


@dsl.pipeline
def loop_in_a_branch(count: int = 2):
    with dsl.If(count > 0), dsl.ParallelFor(integers(count=count).output) as n:
        whole(value=n)
    with dsl.Else():
        text(value="none")


@dsl.pipeline
def one_artifact(n: int) -> str:
    with dsl.If(n == 1):
        shallow = model(depth=1)
    with dsl.Else():
        deep = model(depth=n)
    return judge(model=dsl.OneOf(shallow.outputs["model"], deep.outputs["model"])).output


CASES = (
    *((three_ways, {"n": n}) for n in (1, 2, 3)),
    (compared, {"n": 3, "rate": 1.0, "yes": True, "word": "a b"}),
    (compared, {"n": 2, "rate": 0.25, "yes": False, "word": "b"}),
    (by_outputs, {}),
    (by_outputs, {"n": 0}),
    (in_a_loop, {}),
    (loop_in_a_branch, {}),
    (loop_in_a_branch, {"count": 0}),
    (one_artifact, {"n": 1}),
    (one_artifact, {"n": 4}),
)
