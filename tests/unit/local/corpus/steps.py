"""Components that the pipelines of the corpus are made of."""

from typing import NamedTuple, Optional

from kfp import dsl

from fairing_kfp import fairing_component

ATTEMPTS: list[str] = []
"""Calls of `flaky`, which the test forgets before each run."""


@fairing_component
def text(value: str) -> str:
    return value


@fairing_component
def shown(value: str = "default", more: str = "") -> str:
    return f"{value}|{more}"


@fairing_component
def add(a: int, b: int = 1) -> int:
    return a + b


@fairing_component
def whole(value: int) -> int:
    return value


@fairing_component
def ratio(value: float) -> float:
    return value


@fairing_component
def double(value: float) -> float:
    return value * 2


@fairing_component
def flag(value: bool) -> bool:
    return value


@fairing_component
def listed(value: list) -> list:
    return value


@fairing_component
def strings(value: list[str]) -> list[str]:
    return value


@fairing_component
def integers(count: int) -> list[int]:
    return list(range(count))


@fairing_component
def mapped(value: dict) -> dict:
    return value


@fairing_component
def pairs() -> list[dict]:
    return [{"name": "b", "size": 1, "rate": 0.5}, {"size": 2, "name": "a", "rate": 2.0}]


@fairing_component
def typed(value: dict) -> str:
    return ",".join(f"{key}:{type(one).__name__}" for key, one in value.items())


@fairing_component
def kinds(value: list) -> str:
    return ",".join(type(one).__name__ for one in value)


@fairing_component
def optional(a: Optional[int] = None, b: Optional[str] = None, c: Optional[dict] = None) -> str:
    return f"{a!r} {b!r} {c!r}"


@fairing_component
def total(values: list[int]) -> int:
    return sum(values)


@fairing_component
def several(a: int) -> NamedTuple("Out", [("number", int), ("name", str), ("share", float), ("rows", list)]):
    made = NamedTuple("Out", [("number", int), ("name", str), ("share", float), ("rows", list)])
    return made(a, f"n{a}", a / 4, [a, {"a": a}])


@fairing_component
def paths(
    value: str,
    number: dsl.OutputPath(int),
    share: dsl.OutputPath(float),
    yes: dsl.OutputPath(bool),
    rows: dsl.OutputPath(list),
    table: dsl.OutputPath(dict),
    word: dsl.OutputPath(str),
):
    from pathlib import Path

    contents = {number: " 7\n", share: "1e3", yes: value, rows: "[1, 2.0]", table: '{"b": 1, "a": [1.0]}', word: " w\n"}
    for path, content in contents.items():
        Path(path).write_text(content)


@fairing_component
def model(depth: int, model: dsl.Output[dsl.Model], metrics: dsl.Output[dsl.Metrics]):
    from pathlib import Path

    Path(model.path).write_text(f"depth {depth}")
    model.metadata["depth"] = depth
    model.metadata["rate"] = depth / 2
    metrics.log_metric("score", depth / 8)


@fairing_component
def judge(model: dsl.Input[dsl.Model], least: float = 0.5) -> str:
    from pathlib import Path

    return f"{Path(model.path).read_text()} {model.metadata['depth']!r} {model.metadata['rate']!r} {least!r}"


@fairing_component
def read(data: dsl.InputPath("Dataset")) -> str:
    from pathlib import Path

    return Path(data).read_text()


@fairing_component
def write(content: str, data: dsl.OutputPath("Dataset")):
    from pathlib import Path

    Path(data).write_text(content)


@fairing_component
def join(models: dsl.Input[list[dsl.Model]]) -> str:
    from pathlib import Path

    return "+".join(Path(one.path).read_text() for one in models)


@fairing_component
def origin(data: dsl.Input[dsl.Dataset]) -> str:
    return f"{data.uri} {sorted(data.metadata.items())}"


@fairing_component
def maybe(data: dsl.Input[dsl.Dataset] = None, name: str = "none") -> str:
    return name if data is None else data.uri


@fairing_component
def fail(when: bool = True) -> str:
    if when:
        raise ValueError("as asked")
    return "fine"


@fairing_component
def flaky(times: int) -> int:
    from tests.unit.local.corpus.steps import ATTEMPTS

    ATTEMPTS.append("")
    if len(ATTEMPTS) <= times:
        raise ValueError("not yet")
    return len(ATTEMPTS)


@fairing_component
def last(status: dsl.PipelineTaskFinalStatus, note: str = "") -> str:
    return f"{status.state} {status.pipeline_task_name} {note}"


@dsl.container_component
def shell(name: str, count: int, data: dsl.Output[dsl.Dataset], size: dsl.OutputPath(int)):
    return dsl.ContainerSpec(
        image="registry.example.com/tool:1",
        command=[
            "sh",
            "-c",
            'mkdir -p "$(dirname "$2")" "$(dirname "$3")"; printf %s "$0 $1" > "$2"; echo "$1" > "$3"',
        ],
        args=[f"hello {name}", count, data.path, size],
    )


@dsl.container_component
def choice(out: dsl.OutputPath(str), name: str = "", tags: Optional[list] = None, table: Optional[dict] = None):
    return dsl.ContainerSpec(
        image="registry.example.com/tool:1",
        command=["sh", "-c", 'mkdir -p "${0%/*}"; printf "%s;" "$@" > "$0"', out],
        args=[
            dsl.IfPresentPlaceholder("name", ["--name", name], ["--anonymous"]),
            dsl.IfPresentPlaceholder("tags", [tags]),
            dsl.IfPresentPlaceholder("table", [table]),
            dsl.ConcatPlaceholder(["--key=", name]),
        ],
    )
