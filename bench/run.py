"""A local run of samples/digits of which nothing has changed, and the import of kfp that it needs."""

from __future__ import annotations

import os
import resource
import sys
import tempfile
from functools import partial
from pathlib import Path

from bench.measure import Cost, MissingError, Stages, Table, run_program, take_turns

ROUNDS = 5

_OURS = Path(sys.executable).with_name("fairing-kfp")
_PIPELINE = Path(__file__).parent.parent / "samples" / "digits" / "pipeline.py"
_NOTE = (
    "Processor time in user and system mode, without that of the model's server, which loads scikit-learn. Three of "
    "the five steps are reused; the model is served, and the last step asks for a prediction, in every run. The peer "
    "is kfp's import alone."
)


def measure() -> list[Table]:
    """Compares a run in which steps are reused with `python -c 'import kfp'`."""
    with tempfile.TemporaryDirectory() as folder:
        words = ["run", str(_PIPELINE), "--quiet", "--output", f"{folder}/runs"]
        run = partial(run_program, str(_OURS), *words, FAIRING_KFP_CACHE=os.environ.get("FAIRING_KFP_CACHE", folder))
        try:
            run()
        except RuntimeError as error:
            raise MissingError(f"samples/digits does not run here: {error}") from error
        kfp = partial(run_program, sys.executable, "-c", "import kfp")
        runs = take_turns(ROUNDS, {"ours": partial(_processor, run), "kfp": partial(_processor, kfp)})
    row = runs.row("unchanged", "ours", "kfp", "run")
    return [Table("`fairing-kfp run`", "`import kfp`", (row,), _NOTE)]


def _processor(work: partial[None]) -> Stages:
    """The processor time of a program and the processes that it waited for."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    work()
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return {"run": Cost(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)}
