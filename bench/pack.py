"""Packing a function so that its bytes depend on the code alone, and cloudpickle, which does not promise that."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import cloudpickle
from kfp import compiler

import fairing_kfp
from bench.measure import Table, take_turns, timed
from bench.sources import sources_of
from fairing_kfp.source import ComponentSource
from tests.golden import PIPELINES
from tests.stand_in_builder import StandInBuilder

ROUNDS = 9
_STEP = str(Path(__file__).parent / "step.py")
_NOTE = (
    "In one process, for context. cloudpickle only writes the function; we also collect its modules and sources, look "
    "for credentials and write everything in a stable order, in Python. Both compilations are of an unchanged pipeline "
    "of one step; ours packs it, makes the layers and calls kfp's."
)


def measure() -> list[Table]:
    """Compares packing with cloudpickle, and compiling with kfp's compiling."""
    small, digits = sources_of(_STEP), sources_of(PIPELINES["digits"])
    pipeline = fairing_kfp.load_pipeline(_STEP)
    with TemporaryDirectory() as folder:
        output = str(Path(folder) / "step.yaml")
        compile_ = partial(fairing_kfp.compile, pipeline, output, builder=StandInBuilder())
        runs = take_turns(
            ROUNDS,
            {
                "ours": lambda: {
                    "small": timed(partial(_pack, small), 20),
                    "digits": timed(partial(_pack, digits), 10),
                    "compile": timed(compile_, 5),
                },
                "theirs": lambda: {
                    "small": timed(_pickling(small), 20),
                    "digits": timed(_pickling(digits), 10),
                    "compile": timed(partial(compiler.Compiler().compile, pipeline, output), 5),
                },
            },
        )
    packing = [
        runs.row("a small function", "ours", "theirs", "small"),
        runs.row("the three of samples/digits", "ours", "theirs", "digits"),
    ]
    compiling = runs.row("compile, unchanged", "ours", "theirs", "compile")
    return [
        Table("pack", "`cloudpickle.dumps`", tuple(packing)),
        Table("`compile`", "kfp's `Compiler().compile`", (compiling,), _NOTE),
    ]


def _pack(sources: Sequence[ComponentSource]) -> None:
    for source in sources:
        source.code.bundle(source.name)


def _pickling(sources: Sequence[ComponentSource]) -> Callable[[], None]:
    """cloudpickle told to take the same modules apart."""
    modules = {sys.modules[source.code.function.__module__] for source in sources}

    def work() -> None:
        for source in sources:
            cloudpickle.dumps(source.code.function)

    for module in modules:
        cloudpickle.register_pickle_by_value(module)
    return work
