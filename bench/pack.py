"""Packing a function reproducibly, and cloudpickle, which does not guarantee that."""

from __future__ import annotations

import hashlib
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
from fairing_kfp.preprocess import bundle, facts
from fairing_kfp.preprocess.function import FunctionSource
from fairing_kfp.preprocess.modules import file_imports
from fairing_kfp.preprocess.source import ComponentSource
from tests.golden import PIPELINES
from tests.support.stand_in_builder import StandInBuilder

ROUNDS = 9
_FILES = 590
_STEP = str(Path(__file__).parent / "step.py")
_NOTE = (
    "In one process, for context. cloudpickle only pickles the function; fairing-kfp also collects its modules and "
    "sources, scans for credentials and sorts everything, in Python. Both compilations are of an unchanged pipeline "
    "with one step; fairing-kfp packs it, makes the layers and calls kfp's compiler."
)


def measure() -> list[Table]:
    """Compares packing with cloudpickle, and compiling with kfp's compiling."""
    small = sources_of(_STEP)
    digits = [one for one in sources_of(PIPELINES["digits"]) if isinstance(one.code, FunctionSource)]
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
        runs.row("the functions of samples/digits", "ours", "theirs", "digits"),
    ]
    compiling = runs.row("compile, unchanged", "ours", "theirs", "compile")
    return [
        _own_package(),
        Table("pack", "`cloudpickle.dumps`", tuple(packing)),
        Table("`compile`", "kfp's `Compiler().compile`", (compiling,), _NOTE),
    ]


def _own_package() -> Table:
    """Compares packing with an unchanged own package with reading its files."""
    with TemporaryDirectory() as folder:
        package = Path(folder) / "benchmarked"
        package.mkdir()
        names = [f"part_{number}" for number in range(_FILES)]
        for number, name in enumerate(names):
            text = f"import json\n\n\ndef work(size, rate=0.{number}):\n"
            (package / f"{name}.py").write_text(text + "    print([size * rate, json.dumps({'size': size})])\n" * 40)
        (package / "__init__.py").write_text(f"def parts():\n    from . import {', '.join(names)}\n")
        (Path(folder) / "flow.py").write_text(
            "import benchmarked, fairing_kfp\n\n@fairing_kfp.fairing_component\n"
            "def step() -> str:\n    return benchmarked.__name__\n"
        )
        (source,) = sources_of(f"{folder}/flow.py:step")
        source.bundle()

        def in_new_process() -> None:
            file_imports._read.cache_clear()
            bundle._FOUND.clear()
            for facts_of_kind in facts._kinds:
                facts_of_kind._records.clear()
            source.bundle()

        def read() -> None:
            for path in package.glob("*.py"):
                hashlib.sha256(path.read_bytes()).digest()

        runs = take_turns(
            ROUNDS,
            {
                "ours": lambda: {"new": timed(in_new_process, 2), "further": timed(source.bundle, 2)},
                "theirs": lambda: {"new": timed(read, 2), "further": timed(read, 2)},
            },
        )
    rows = (
        runs.row(f"an own package of {_FILES} files, unchanged, in a new process", "ours", "theirs", "new"),
        runs.row("the same, each further component", "ours", "theirs", "further"),
    )
    return Table("pack", "reading and hashing its files", rows)


def _pack(sources: Sequence[ComponentSource]) -> None:
    for source in sources:
        source.code.bundle(source.name)


def _pickling(sources: Sequence[ComponentSource]) -> Callable[[], None]:
    """Pickles with cloudpickle, with the same modules by value."""
    modules = {sys.modules[source.code.function.__module__] for source in sources}

    def work() -> None:
        for source in sources:
            cloudpickle.dumps(source.code.function)

    for module in modules:
        cloudpickle.register_pickle_by_value(module)
    return work
