"""Exit handlers, failures, attempts and caches."""

from kfp import dsl

from tests.unit.local.corpus.steps import add, fail, flaky, last, shown, text, whole


@dsl.pipeline
def guarded(when: bool = False):
    farewell = last(note="bye")
    with dsl.ExitHandler(farewell, name="Guard"):
        first = fail(when=when)
        text(value="next").after(first)


@dsl.pipeline
def guarded_loop(n: int = 2):
    farewell = last()
    with dsl.ExitHandler(farewell):
        with dsl.ParallelFor([1, 2, 3]) as item:
            with dsl.If(item == n):
                fail()
            whole(value=item)
        text(value="free")


@dsl.pipeline
def two_guards():
    with dsl.ExitHandler(last(note="one"), name="first"):
        fail()
    with dsl.ExitHandler(last(note="two"), name="second"):
        text(value="fine")


@dsl.pipeline
def whatever_happens(when: bool = True):
    first = fail(when=when)
    shown(value="v", more="always").after(first).ignore_upstream_failure()


@dsl.pipeline
def default_for_a_failure(when: bool = True):
    first = fail(when=when)
    shown(value=first.output, more="always").ignore_upstream_failure()


@dsl.pipeline
def attempts(times: int = 2) -> int:
    return flaky(times=times).set_retry(2).output


@dsl.pipeline
def attempts_in_a_loop():
    with dsl.ParallelFor(["a"]):
        flaky(times=1).set_retry(num_retries=3, backoff_duration="1s", backoff_factor=2)
    text(value="free")


@dsl.pipeline
def fails(n: int = 1):
    first = add(a=n)
    bad = fail()
    add(a=first.output).after(bad)


CASES = (
    (guarded, {}),
    (guarded, {"when": True}),
    (guarded_loop, {}),
    (guarded_loop, {"n": 9}),
    (two_guards, {}),
    (whatever_happens, {}),
    (whatever_happens, {"when": False}),
    (default_for_a_failure, {"when": False}),
    (attempts, {}),
    (attempts, {"times": 5}),
    (attempts_in_a_loop, {}),
    (fails, {}),
)
