"""Components that run as jobs, and do what tests of train steps want."""

from typing import NamedTuple

from kfp import dsl

from fairing_kfp import fairing_component, job


class Learnt(NamedTuple):
    score: float
    words: list
    count: int


@fairing_component
def learn(
    depth: int,
    data: dsl.Input[dsl.Dataset],
    folder: dsl.Input[dsl.Dataset],
    model: dsl.Output[dsl.Model],
    metrics: dsl.Output[dsl.Metrics],
    made: dsl.Output[dsl.Artifact],
) -> Learnt:
    """Reads files and folders, and gives out all that a step can."""
    import pathlib

    below = pathlib.Path(folder.path)
    names = sorted(path.relative_to(below).as_posix() for path in below.rglob("*") if path.is_file())
    print("learning from", names, flush=True)
    text = pathlib.Path(data.path).read_text()
    pathlib.Path(model.path).write_text(f"{depth} {text}")
    model.metadata["depth"] = depth
    metrics.log_metric("accuracy", 0.5)
    (pathlib.Path(made.path) / "deep" / "ly").mkdir(parents=True)
    for name in names:
        (pathlib.Path(made.path) / "deep" / "ly" / pathlib.Path(name).name).write_bytes((below / name).read_bytes())
    return Learnt(depth / 2, [text], len(names))


@fairing_component
def behave(how: str) -> str:
    """Prints a line, and then does as it is told: Python code."""
    print("told to", how.splitlines()[0], flush=True)
    told = {"answer": ""}
    exec(how, told)
    return str(told["answer"])


@fairing_component
def copy(big: dsl.Input[dsl.Dataset], copied: dsl.Output[dsl.Dataset]) -> int:
    """Copies a file."""
    import os
    import shutil

    shutil.copyfile(big.path, copied.path)
    return os.path.getsize(copied.path)  # noqa: PTH202


@fairing_component
def prepare(data: dsl.Output[dsl.Dataset], folder: dsl.Output[dsl.Dataset], big: dsl.Output[dsl.Dataset]) -> None:
    """Stands before the others, which take its outputs; never run."""


@dsl.pipeline
def elsewhere(depth: int = 4, how: str = ""):
    made = prepare()
    job(learn)(depth=depth, data=made.outputs["data"], folder=made.outputs["folder"])
    job(behave)(how=how)
    job(copy)(big=made.outputs["big"])
