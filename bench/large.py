"""Compiles large pipelines: fairing-kfp, and kfp's own compiler."""

from __future__ import annotations

import sys
from functools import partial
from pathlib import Path

from bench.measure import Stages, Table, run_program, take_turns
from bench.services import Workplace, workplace

ROUNDS = 3

_OURS, _KFP = (Path(sys.executable).with_name(program) for program in ("fairing-kfp", "kfp"))
_HEAD = "from kfp import dsl\nfrom fairing_kfp import fairing_component\n"
_COMPONENT = """
@fairing_component
def step_{number}(first: float, second: float) -> float:
    return first + second + {number}
"""
_PIPELINE = """
@dsl.pipeline
def large(start: float = 1.0) -> float:
    before = step_0(first=start, second=1.0)
"""
_TASK = "    before = step_{number}(first=before.output, second=2.0)\n"
_TASKS, _COMPONENTS = 1000, 300
_NOTE = (
    "Whole processes, unchanged since the previous one: fairing-kfp packs every component, asks the registry for its "
    "image and writes YAML; kfp only traces and writes. With 1000 tasks tracing takes most of both: kfp compares each "
    "task with every other."
)


def measure() -> list[Table]:
    """Compares a pipeline of many tasks, and one of many components."""
    rows = []
    with workplace() as work:
        for words, components, tasks in (("1000 tasks", 1, _TASKS), ("300 components", _COMPONENTS, _COMPONENTS)):
            folder = work.folder / words.replace(" ", "-")
            folder.mkdir()
            file = folder / "large.py"
            file.write_text(_source(components, tasks))
            contenders = {"ours": partial(_by_us, work, file), "kfp": partial(_by_kfp, work, file)}
            rows.append(take_turns(ROUNDS, contenders).row(words, "ours", "kfp", "compile"))
    return [Table("`fairing-kfp compile`", "`kfp dsl compile`", tuple(rows), _NOTE)]


def _source(components: int, tasks: int) -> str:
    steps = [_COMPONENT.format(number=number) for number in range(components)]
    calls = [_TASK.format(number=number % components) for number in range(1, tasks)]
    return "".join([_HEAD, *steps, _PIPELINE, *calls, "    return before.output\n"])


def _by_us(work: Workplace, file: Path) -> Stages:
    options = ["-o", str(file.with_suffix(".yaml")), "--registry", f"{work.registry.host}/large"]
    cache = str(file.parent / "cache")
    command = [str(_OURS), "compile", str(file), *options, "--base-image", work.base]
    return {"compile": work.metered(partial(run_program, *command, FAIRING_KFP_CACHE=cache))}


def _by_kfp(work: Workplace, file: Path) -> Stages:
    command = [str(_KFP), "dsl", "compile", "--py", str(file), "--output", str(file.with_suffix(".kfp.yaml"))]
    return {"compile": work.metered(partial(run_program, *command))}
