"""Publishes components that share layers and differ in their code, with several numbers of workers."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

from bench import bare, ours
from bench.layers import Ready, filled, ready
from bench.measure import Runs, Stages, Table, take_turns
from bench.services import Workplace, workplace
from fairing_kfp.builders.append import AppendBuilder
from fairing_kfp.cache.store import Cache
from fairing_kfp.registry.client import RegistryClient

_FEW = 2
NUMBERS = {1: 5, 10: 5, 100: _FEW, 500: 1}
"""Number of components, and of rounds."""

_SHARED, _CODE = 1_000_000, 2_000
_WORKERS = (8, 16, 32)
_SIDE_BY_SIDE = 8
_NOTE = (
    "First pushes: each image has the layers of the base, a shared layer of 1 MB, and a layer of 2 KB of its own. "
    "The limit is the same requests in sequence, over one connection of `http.client`."
)


def measure() -> list[Table]:
    """Compares numbers of components, and of workers."""
    by_number: dict[int, Runs] = {}
    with workplace() as work:
        shared = ready(work, "shared", _SHARED)
        codes = [ready(work, f"code-{number}", _CODE) for number in range(max(NUMBERS))]
        for number, rounds in NUMBERS.items():
            images = [[shared, code] for code in codes[:number]]
            contenders: dict[str, Any] = {
                f"{workers} workers": partial(_ours, work, images, workers) for workers in _WORKERS
            }
            contenders["the limit"] = partial(_limit, work, images)
            by_number[number] = take_turns(rounds, contenders, warm=rounds > _FEW)

    def table(peer: str, note: str = "") -> Table:
        words = {1: "1 component"}
        rows = [
            runs.row(words.get(number, f"{number} components"), f"{_WORKERS[0]} workers", peer, "push")
            for number, runs in by_number.items()
        ]
        return Table(f"ours, {_WORKERS[0]} workers", peer, tuple(rows), note)

    return [*(table(f"{workers} workers") for workers in _WORKERS[1:]), table("the limit", _NOTE)]


def _ours(work: Workplace, images: Sequence[Sequence[Ready]], workers: int) -> Stages:
    cache, target = (
        filled(work, *{layer.key: layer for layers in images for layer in layers}.values()),
        work.fresh("many"),
    )
    return {"push": work.metered(partial(_publish, work, images, workers, cache, target))}


def _publish(work: Workplace, images: Sequence[Sequence[Ready]], workers: int, cache: Cache, target: str) -> None:
    client = RegistryClient()
    builder = AppendBuilder(f"{work.registry.host}/{target}", cache=cache, client=client, workers=workers)
    recipes = [
        ours.image_of(f"step-{number}", work.base, cache, [layer.key for layer in layers])
        for number, layers in enumerate(images)
    ]
    with ThreadPoolExecutor(_SIDE_BY_SIDE) as pool:
        list(pool.map(builder.check, recipes))
        list(pool.map(builder.publish, recipes))
    builder.close()
    client.close()


def _limit(work: Workplace, images: Sequence[Sequence[Ready]]) -> Stages:
    base = work.base.partition("/")[2]
    return {"push": work.metered(partial(bare.append, work.registry.host, base, work.fresh("bare"), images))}
