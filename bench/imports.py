"""The time of an import and of `--help`: fairing-kfp and kfp."""

from __future__ import annotations

import sys
from functools import partial
from pathlib import Path

from bench.measure import Cost, Stages, Table, run_program, take_turns, timed

ROUNDS = 4
_EACH = 3

_NOTE = "Whole processes, the best of three; the time of `python -c pass` is subtracted from the imports."


def measure() -> list[Table]:
    """Compares imports and `--help`, as whole processes."""
    contenders = {"ours": partial(_stages, "fairing_kfp", "fairing-kfp"), "kfp": partial(_stages, "kfp", "kfp")}
    runs = take_turns(ROUNDS, contenders)
    rows = [runs.row(f"`{stage}`", "ours", "kfp", stage) for stage in ("import", "--help")]
    return [Table("fairing-kfp", "kfp", tuple(rows), _NOTE)]


def _stages(module: str, program: str) -> Stages:
    bare, full = _process(sys.executable, "-c", "pass"), _process(sys.executable, "-c", f"import {module}")
    command = Path(sys.executable).with_name(program)
    return {"import": Cost(max(full.seconds - bare.seconds, 1e-4)), "--help": _process(str(command), "--help")}


def _process(*command: str) -> Cost:
    return min((timed(partial(run_program, *command)) for _ in range(_EACH)), key=lambda cost: cost.seconds)
