"""Appends one layer to a base image in a registry: fairing-kfp, the limit, and peers."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from contextlib import suppress
from functools import partial

from bench import bare, ours
from bench.layers import Ready, filled, ready
from bench.measure import MissingError, Runs, Stages, Table, run_program, take_turns
from bench.peers import Append, peers
from bench.services import Workplace, docker, workplace

_MANY, _FEW = 7, 3
SIZES = {
    "10 KB": (10_000, _MANY),
    "1 MB": (1_000_000, _MANY),
    "200 MB": (200_000_000, _FEW),
    "1 GB": (1_000_000_000, 2),
}
"""Size in bytes, and number of rounds."""

_SLOW = ("docker", "buildah")
_LARGEST_FOR_SLOW = 200_000_000
_NOTE = (
    "A first push of a compressed layer of random bytes; the base is in another repository of the same registry. "
    "The limit is the same requests over one connection of `http.client`, in the process of the call, without "
    "parallelism, verification or authorization. fairing-kfp reads the compressed layer from its cache, with its "
    "digests; crane, oras and python-dxf compute the digest, Docker and buildah compress the file and are not run "
    "for 1 GB.{missing}"
)


def measure() -> list[Table]:
    """Compares layers of several sizes."""
    by_size: dict[str, Runs] = {}
    with workplace() as work, peers(work) as (others, missing):
        for words, (size, rounds) in SIZES.items():
            layer = ready(work, words, size)
            fast = {name: append for name, append in others.items() if size <= _LARGEST_FOR_SLOW or not _slow(name)}
            contenders = {"call": partial(_call, work, layer), "limit": partial(_limit, work, layer)}
            contenders["process"] = partial(_process, work, layer)
            contenders |= {name: partial(_other, work, layer, append) for name, append in fast.items()}
            by_size[words] = take_turns(rounds, contenders, warm=rounds > _FEW)
            shutil.rmtree(layer.source.parent.parent)

    def table(head: str, mine: str, peer: str, name: str, note: str = "") -> Table:
        rows = [runs.row(words, mine, name, "push") for words, runs in by_size.items() if name in runs.rounds[0]]
        return Table(head, peer, tuple(rows), note)

    tables = [table("our call", "call", "the limit", "limit")]
    names = sorted(others)
    tables += [table("our process", "process", name, name) for name in names]
    last = tables.pop()
    note = _NOTE.format(missing=missing)
    return [*tables, Table(last.ours, last.peer, last.rows, note)]


def _slow(name: str) -> bool:
    return any(program in name for program in _SLOW)


def _call(work: Workplace, layer: Ready) -> Stages:
    cache, target = filled(work, layer), f"{work.registry.host}/{work.fresh('call')}"
    return _pushed(work, partial(ours.append, work.base, target, str(cache.root), layer.key))


def _process(work: Workplace, layer: Ready) -> Stages:
    cache, target = filled(work, layer), f"{work.registry.host}/{work.fresh('process')}"
    return _pushed(work, partial(run_program, *ours.COMMAND, work.base, target, str(cache.root), layer.key))


def _limit(work: Workplace, layer: Ready) -> Stages:
    base = work.base.partition("/")[2]
    return _pushed(work, partial(bare.append, work.registry.host, base, work.fresh("bare"), [[layer]]))


def _other(work: Workplace, layer: Ready, append: Append) -> Stages:
    stages = _pushed(work, append(layer))
    with suppress(MissingError):  # only Docker keeps images
        for line in docker("images", "--format", "{{.Repository}}:{{.Tag}}").splitlines():
            if line.startswith(f"{work.registry.host}/docker-"):
                docker("rmi", "-f", line)
    return stages


def _pushed(work: Workplace, push: Callable[[], None]) -> Stages:
    return {"push": work.metered(push)}
