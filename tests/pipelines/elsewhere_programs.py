"""A script and a notebook that run as jobs."""

from pathlib import Path

from kfp import dsl

from fairing_kfp import fairing_component, job

_TOP = Path(__file__).parents[2]

script = fairing_component.from_script(
    _TOP / "tests" / "scripts" / "writes.py",
    name="script",
    include=["conf"],
    arguments={
        "--model": dsl.Output[dsl.Model],
        "--accuracy": dsl.OutputPath(float),
        "--scans": dsl.Input[dsl.Dataset],
    },
)

notebook = fairing_component.from_notebook(
    _TOP / "samples" / "notebook" / "line.ipynb",
    name="notebook",
    arguments={"model": dsl.Output[dsl.Model], "error": dsl.OutputPath(float)},
    include=["measurements.csv"],
)


@fairing_component
def prepare(data: dsl.Output[dsl.Dataset]) -> None:
    """Stands before the script; never run."""


@dsl.pipeline
def programs(limit: float = 1.0):
    job(script)(scans=prepare().outputs["data"])
    job(notebook)(limit=limit)
