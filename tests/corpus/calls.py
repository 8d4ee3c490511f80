"""Functions of every kind."""

import asyncio
import contextlib
import functools
import itertools
import json
import logging
import math
import operator
import os
import os.path
import random
import sys
import threading
import xml.etree.ElementTree
from functools import lru_cache, partial, singledispatch, wraps
from random import Random, shuffle
from string import Template

import fairing_kfp
import lab.deep.core as core
import lab.deep.reached
from lab import shelf
from lab.deep.reached import factory
from lab.shelf import GENERATOR, LOCK
from space.tools import slugify, traced

LOG = logging.getLogger(__name__)
OUT = sys.stdout
TIMES, PLUS = (lambda x: x * OFFSET), (lambda x: x + OFFSET)  #> TIMES, PLUS = (lambda x: x * OFFSET), (lambda x: x - OFFSET) [case_lambdas]
OFFSET = 5
LIMIT = 3  #> LIMIT = 4 [case_helper_chain]
FIRST_OF = operator.itemgetter(1)  #> FIRST_OF = operator.itemgetter(0) [case_operators]
NAME_OF = operator.attrgetter("name")
GREETING = Template("Hello $name")
POWERS = {"square": lambda x: x**2, "cube": lambda x: x**3}  #> POWERS = {"square": lambda x: x**2, "cube": lambda x: x**4} [case_dict_of_lambdas]
COUNT = 0


def doubled(function):
    @wraps(function)
    def wrapper(*arguments, **named):
        return 2 * function(*arguments, **named)  #>         return 3 * function(*arguments, **named) [case_own_decorator]

    return wrapper


@doubled
def five():
    return 5


@traced
def traced_six():
    return 6  #>     return 7 [case_module_decorator]


def is_even(number):
    return True if number == 0 else is_odd(number - 1)


def is_odd(number):
    return False if number == 0 else is_even(number - 1)  #>     return True if number == 0 else is_even(number - 1) [case_mutual_recursion]


def limited(values):
    return helper_of_helper(values)[:LIMIT]


def helper_of_helper(values):
    return sorted(values, reverse=True)


def make_counter(step):
    count = 0

    def up():
        nonlocal count
        count += step
        return count

    def down():
        nonlocal count
        count -= step
        return count

    return up, down


UP, DOWN = make_counter(10)  #> UP, DOWN = make_counter(11) [case_shared_cells]


def make_factorial():
    def factorial(n):
        return 1 if n < 2 else n * factorial(n - 1)  #>         return 1 if n < 2 else n + factorial(n - 1) [case_recursive_closure]

    return factorial


FACTORIAL = make_factorial()
ADD = factory(100)  #> ADD = factory(101) [case_factory_of_module]
SCALED = partial(lambda x, factor=2: x * factor, factor=7)  #> SCALED = partial(lambda x, factor=2: x * factor, factor=8) [case_partial]


def defaults(a, items=[1, 2], key=lambda x: -x, *, deep={"k": {"s"}}, call=len):  #> def defaults(a, items=[1, 3], key=lambda x: -x, *, deep={"k": {"s"}}, call=len): [case_defaults]
    return [a, sorted(items, key=key), deep, call(items)]


@lru_cache(maxsize=32)
def fibonacci(n):
    return n if n < 2 else fibonacci(n - 1) + fibonacci(n - 2)  #>     return n if n < 2 else fibonacci(n - 1) + fibonacci(n - 2) + 1 [case_lru_cache]


@singledispatch
def describe(value):
    return f"any {value}"


@describe.register
def _(value: int):
    return f"int {describe(str(value))}"


@describe.register(list)
def _(value):
    return "list " + ",".join(map(describe, value))  #>     return "list " + ";".join(map(describe, value)) [case_singledispatch]


class Notes:
    @functools.singledispatchmethod
    def note(self, value):
        return "?"

    @note.register
    def _(self, value: int):
        return "n" * value  #>         return "m" * value [case_singledispatchmethod]

    @functools.partialmethod
    def twice(self, *arguments):
        return "twice"

    def __eq__(self, other):
        return True

    __hash__ = None


@contextlib.contextmanager
def entered(log):
    log.append("in")
    yield log
    log.append("out")  #>     log.append("OUT") [case_with]


async def fetch(number):
    await asyncio.sleep(0)
    return number * 2  #>     return number * 3 [case_async]


def numbers(limit):
    yield from range(limit)
    yield limit  #>     yield -limit [case_generator]


def case_lambdas() -> str:
    return str([TIMES(3), PLUS(3)])


def case_dict_of_lambdas() -> str:
    return str([POWERS[name](3) for name in sorted(POWERS)])


def case_helper_chain() -> str:
    return str(limited([5, 1, 4, 2, 3]))


def case_own_decorator() -> str:
    return str([five(), five.__name__, five.__wrapped__()])


def case_module_decorator() -> str:
    return str([traced_six(), traced_six.calls, traced_six.__name__])


def case_mutual_recursion() -> str:
    return str([is_even(10), is_odd(7)])


def case_shared_cells() -> str:
    return str([UP(), UP(), DOWN()])


def case_recursive_closure() -> str:
    return str(FACTORIAL(5))


def case_factory_of_module() -> str:
    return str([ADD(1), ADD(2)])


def case_partial() -> str:
    return str([SCALED(3), SCALED.keywords])


def case_defaults() -> str:
    return str(defaults(0))


def case_own_default(number: int = 21, /, *, names=("a", "b")) -> str:  #> def case_own_default(number: int = 22, /, *, names=("a", "b")) -> str:
    return str([number * 2, names])


def case_lru_cache() -> str:
    return str([fibonacci(20), fibonacci.cache_info().maxsize])


def case_singledispatch() -> str:
    return str([describe(3.0), describe(4), describe(["x", 5]), describe.__name__])


def case_singledispatchmethod() -> str:
    return str([Notes().note(3), Notes().note("s")])


def case_with() -> str:
    log = []
    with entered(log) as inside, contextlib.suppress(KeyError):
        inside.append("body")
        {}["missing"]
    return str(log)


def case_async() -> str:
    async def main():
        return await asyncio.gather(*(fetch(n) for n in range(3)))

    return str(asyncio.run(main()))


def case_generator() -> str:
    return str(list(itertools.islice(numbers(3), 10)))


def case_comprehensions() -> str:
    squares = {n: [m for m in range(n) if (half := m // 2) or m] for n in range(5)}  #>     squares = {n: [m for m in range(n) if (half := m // 3) or m] for n in range(4)}
    return str([squares, half, {c for c in "aab"} == {"a", "b"}])


def case_match() -> str:
    def told(value):
        match value:
            case {"kind": "point", "at": [x, y]} if x > 0:
                return f"point {x} {y}"
            case [first, *rest]:
                return f"{first} and {len(rest)}"  #>                 return f"{first} and {rest}"
            case str() | bytes():
                return "text"
            case _:
                return "other"

    return str([told(v) for v in ({"kind": "point", "at": [1, 2]}, [1, 2, 3], "s", 4)])


def case_try() -> str:
    log = []
    try:
        try:
            1 / 0
        except ZeroDivisionError as error:
            log.append(type(error).__name__)
            raise RuntimeError("again") from error
        finally:
            log.append("finally")  #>             log.append("at last")
    except RuntimeError as error:
        log.append(repr(error.__cause__))
    return str(log)


def case_global_statement() -> str:
    global COUNT
    COUNT += 2  #>     COUNT += 3
    return str(bump())


def bump():
    global COUNT
    COUNT += 1
    return COUNT


def case_operators() -> str:
    return str([FIRST_OF("xyz"), NAME_OF(LOG), GREETING.substitute(name="you")])


def case_logger() -> str:
    print("visible", file=OUT)
    LOG.debug("hidden")
    return LOG.name.upper()  #>     return LOG.name.title()


def case_attribute_chains() -> str:
    tree = xml.etree.ElementTree.fromstring("<a><b/></a>")
    return str([tree[0].tag, os.path.basename("/x/y"), math.pi, json.dumps({"k": 1})])  #>     return str([tree[0].tag, os.path.basename("/x/z"), math.pi, json.dumps({"k": 1})])


def case_imports_inside() -> str:
    import statistics
    from collections import ChainMap as Chain

    from lab.deep import core as inner

    return str([statistics.mean([1, 2]), dict(Chain({"a": 1}, {"b": 2})), inner.TABLE])  #>     return str([statistics.mean([1, 3]), dict(Chain({"a": 1}, {"b": 2})), inner.TABLE])


def case_own_modules() -> str:
    return str([core.lookup("y"), lab.deep.reached.DEPTH, shelf.SHELF.books, slugify("Own Module")])  #>     return str([core.lookup("x"), lab.deep.reached.DEPTH, shelf.SHELF.books, slugify("Own Module")])


def case_imported_state() -> str:
    with LOCK:
        drawn = GENERATOR.random()
    return str([LOCK is shelf.LOCK, GENERATOR is shelf.GENERATOR, drawn])  #>     return str([LOCK is shelf.LOCK, GENERATOR is shelf.GENERATOR, -drawn])


def case_library_state() -> str:
    random.seed(4)
    cards = [1, 2, 3]
    shuffle(cards)
    return str([sorted(cards), Random(3).randint(0, 9)])  #>     return str([sorted(cards), Random(4).randint(0, 9)])


def case_nested_functions() -> str:
    def outer(x):
        def inner(y):
            def innermost(z):
                return x + y * z  #>                 return x + y + z

            return innermost

        return inner

    return str(outer(1)(2)(3))


def case_threads() -> str:
    done = []
    worker = threading.Thread(target=lambda: done.append(OFFSET))
    worker.start()
    worker.join()
    return str([done, slugify("Two Words")])  #>     return str([done, slugify("Three Words")])


if __name__ == "__main__":
    exec(__import__("os").environ["PACK"])
