"""Values: constants, defaults, text with placeholders, and outputs of all kinds."""

from typing import NamedTuple, Optional

from kfp import dsl

from tests.unit.local.corpus.steps import (
    add,
    choice,
    double,
    flag,
    kinds,
    listed,
    mapped,
    optional,
    paths,
    ratio,
    several,
    shell,
    shown,
    strings,
    text,
    typed,
    whole,
)


@dsl.pipeline
def constants() -> list:
    text(value="a 'quoted' {brace} \\ é ☃")
    text(value="")
    whole(value=-3)
    ratio(value=3.0)
    ratio(value=0.1)
    flag(value=False)
    mapped(value={"z": 1, "a": [1, 2.0, {"k": 0.5, "b": True}], "é": {}})
    typed(value={"i": 1, "f": 1.5, "w": 2.0, "b": True, "s": "x", "l": [], "d": {}})
    kinds(value=[1, 2.0, 2.5, "1", True, 1e21, 1e22, 2**53, -0.0])
    return listed(value=[1, 2, 3.0, [4], {"five": 5.0}]).output


@dsl.pipeline
def defaults(
    n: int = 3,
    rate: float = 2,
    small: float = 1e-7,
    large: float = 1e22,
    yes: bool = True,
    words: list = ["a", "b"],
    table: dict = {"b": 1, "a": 2.0},
    name: str = "two\nlines: here",
) -> float:
    whole(value=n)
    flag(value=yes)
    strings(value=words)
    mapped(value=table)
    text(value=name)
    double(value=small)
    double(value=large)
    return ratio(value=rate).output


@dsl.pipeline
def texts(n: int = 3, rate: float = 2.5, small: float = 1e-7, large: float = 1e22, yes: bool = False, word: str = "w"):
    text(value=f"{n} {rate} {small} {large} {yes} {word} {{$}}")
    mapped(value={"n": f"n={n}", "inner": [f"{rate}", {"k": f"{yes}-{word}"}], "plain": 1})
    listed(value=[f"{n}", word, 1])
    text(value=f"{whole(value=n).output} and {double(value=rate).output}")
    text(value=f"{whole(value=n).output}{flag(value=yes).output}")


@dsl.pipeline
def to_text(
    rows: list = [3, 1e-7, 0.1, 1e300, True, "<a&b>", [1, 2.5, "<&>"], {"z": 1e-9, "a": 1e21, "é": []}],
):
    with dsl.ParallelFor(rows) as row:
        text(value=row)
        text(value=f"it is {row}")
    with dsl.ParallelFor(listed(value=rows).output) as row:
        shown(value=row, more="x")


@dsl.pipeline
def escapes(word: str = "tab\\tand\\u00e9", quote: str = "it's"):
    text(value=f"<{word}>")
    text(value=word)
    text(value=f"{quote}")


@dsl.pipeline
def breaks(word: str = 'a "quote"'):
    text(value=f"<{word}>")


@dsl.pipeline
def list_in_text(rows: list = [1, 2]):
    text(value=f"numbers {rows}")


@dsl.pipeline
def words_in_text(rows: list = ["a"]):
    text(value=f"words {rows}")


@dsl.pipeline
def many_outputs() -> NamedTuple("Outputs", [("number", int), ("rows", list), ("name", str), ("share", float)]):
    one = several(a=2)
    two = several(a=one.outputs["number"])
    text(value=two.outputs["name"])
    listed(value=two.outputs["rows"])
    made = NamedTuple("Outputs", [("number", int), ("rows", list), ("name", str), ("share", float)])
    return made(
        two.outputs["number"], two.outputs["rows"], one.outputs["name"], ratio(value=two.outputs["share"]).output
    )


@dsl.pipeline
def output_files(value: str = "True") -> NamedTuple("Outputs", [("yes", bool), ("table", dict), ("word", str)]):
    one = paths(value=value)
    for use, name in ((whole, "number"), (ratio, "share"), (flag, "yes"), (listed, "rows"), (mapped, "table")):
        use(value=one.outputs[name])
    text(value=one.outputs["word"])
    made = NamedTuple("Outputs", [("yes", bool), ("table", dict), ("word", str)])
    return made(one.outputs["yes"], one.outputs["table"], one.outputs["word"])


@dsl.pipeline
def optionals(a: Optional[int] = None, b: Optional[str] = None, c: Optional[dict] = None) -> str:
    optional()
    optional(a=1, b="", c={})
    return optional(a=a, b=b, c=c).output


@dsl.pipeline
def none_in_text(b: Optional[str] = None):
    text(value=f"b is {b}")


@dsl.pipeline
def none_for_a_value(b: Optional[str] = None):
    text(value=b)


@dsl.pipeline
def metadata():
    text(value=dsl.PIPELINE_JOB_NAME_PLACEHOLDER)
    text(value=dsl.PIPELINE_TASK_NAME_PLACEHOLDER)
    text(value=f"in {dsl.PIPELINE_JOB_NAME_PLACEHOLDER}")


@dsl.pipeline
def containers(who: str = "you") -> int:
    greeted = shell(name=who, count=7)
    add(a=greeted.outputs["size"], b=1)
    return greeted.outputs["size"]


@dsl.pipeline
def container_choices(name: Optional[str] = None):
    choice(name="n", tags=[1, "<b>"], table={"z": 1, "a": 1e-7})
    choice(name=name)


@dsl.pipeline
def settings() -> int:
    first = add(a=1).set_display_name("The first").set_env_variable("A", "1").set_cpu_limit("1")
    second = add(a=first.output).set_caching_options(False).set_retry(2)
    third = add(a=10)
    third.after(second)
    return add(a=third.output, b=second.output).output


@dsl.pipeline
def same_names() -> int:
    add(a=1)
    add(a=2)
    three = add(a=3)
    four = add(a=4)
    three.after(four)
    return three.output


CASES = (
    *((one, {}) for one in (constants, defaults, texts, to_text, escapes, breaks, list_in_text, words_in_text)),
    (defaults, {"n": 0, "rate": 1.0, "words": [], "table": {"x": {"y": [1]}}, "name": "", "yes": False}),
    (many_outputs, {}),
    *((output_files, {"value": value}) for value in ("True", "f", "TRUE", "0", "maybe", "tRUE")),
    (optionals, {}),
    (optionals, {"a": 3, "b": "x", "c": {"k": 1}}),
    (none_in_text, {}),
    (none_for_a_value, {}),
    (none_for_a_value, {"b": ""}),
    *((one, {}) for one in (metadata, containers, container_choices, settings, same_names)),
)
