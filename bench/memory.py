"""Peak memory while a large layer is appended."""

from __future__ import annotations

import shutil
import subprocess
import sys
from functools import partial

from bench import ours
from bench.layers import Ready, filled, ready
from bench.measure import Cost, Stages, Table, take_turns, timed
from bench.peers import bare_library, crane, importable, library
from bench.services import Workplace, workplace

SIZE = 2_000_000_000
ROUNDS = 1

# A small process starts the measured one, whose peak would otherwise include the memory of its parent.
WATCH = (
    "import resource, subprocess, sys; subprocess.run(sys.argv[1:], check=True, stdout=subprocess.DEVNULL);"
    "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)"
)
"""A program that runs a command, and prints the peak memory of its largest process in KiB."""
_IMPORT = "import bench.ours, fairing_kfp.layers.tree"
_NOTE = (
    "A first push of a compressed layer of 2 GB. Peak resident memory of the process, above that of a process that "
    "only imports the same modules (`crane version` for `crane`).{missing}"
)


def measure() -> list[Table]:
    """Compares the memory for a layer of 2 GB."""
    missing = []
    with workplace() as work:
        layer = ready(work, "large", SIZE)
        contenders = {"ours": partial(_ours, work, layer)}
        if shutil.which("crane"):
            contenders["`crane append`"] = partial(_crane, work, layer)
        else:
            missing.append("crane is not on PATH")
        for name, module in (("oras", "oras"), ("python-dxf", "dxf")):
            if importable(module):
                contenders[f"`{name}`"] = partial(_library, name, work, layer)
            else:
                missing.append(f"{name} is not in the Python of BENCH_PEERS")
        runs = take_turns(ROUNDS, contenders, warm=False)
    names = [name for name in contenders if name != "ours"]
    rows = [runs.row(name, "ours", name, "push", of="peak") for name in names]
    return [
        Table("ours", "the other", tuple(rows), _NOTE.format(missing="".join(f" Skipped: {why}." for why in missing)))
    ]


def _ours(work: Workplace, layer: Ready) -> Stages:
    cache, target = filled(work, layer), f"{work.registry.host}/{work.fresh('memory')}"
    return _above([sys.executable, "-c", _IMPORT], [*ours.COMMAND, work.base, target, str(cache.root), layer.key])


def _crane(work: Workplace, layer: Ready) -> Stages:
    return _above(["crane", "version"], crane(work, layer))


def _library(name: str, work: Workplace, layer: Ready) -> Stages:
    return _above(bare_library(name), library(name, work, layer))


def _above(bare: list[str], command: list[str]) -> Stages:
    peaks: list[int] = []
    _peak(bare, peaks)
    seconds = timed(partial(_peak, command, peaks)).seconds
    return {"push": Cost(seconds, peak=max(peaks[1] - peaks[0], 1))}


def _peak(command: list[str], peaks: list[int]) -> None:
    watch = [sys.executable, "-I", "-S", "-c", WATCH, *command]
    peaks.append(int(subprocess.run(watch, capture_output=True, text=True, check=True).stdout) * 1024)
