"""A registry that is 50 ms away; `python -m bench.far HOST:PORT` is the way to it, and prints its own port."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import partial

from bench import ours
from bench.layers import Ready, filled, ready
from bench.measure import MissingError, Stages, Table, run_program, take_turns
from bench.peers import crane
from bench.services import workplace

ROUNDS = 5
DELAY = 0.025
"""Seconds, each way."""

_CHUNK = 1 << 16
_STAGES = {"first": "first push", "changed": "one line changed", "second": "nothing changed"}
_NOTE = (
    "Two small layers, runtime and code, upon a base in another repository. Every byte takes 25 ms each way, through a "
    "proxy on this machine, and a new connection 50 ms more. Ours keeps its cache from one stage to the next, as its "
    "users' machines do, and nothing else: each stage has a client of its own."
)


def measure() -> list[Table]:
    """Compares first, changed and unchanged pushes.

    Raises:
        MissingError: there is no crane.
    """
    if not shutil.which("crane"):
        raise MissingError("crane is not on PATH")
    with workplace() as work, away(work.registry.host) as host:
        runtime, first, second = (ready(work, key, 20_000) for key in ("runtime", "code", "changed"))
        by_stage = {"first": (runtime, first), "changed": (runtime, second), "second": (runtime, second)}

        def stages(push: Callable[[tuple[Ready, ...]], Callable[[], None]]) -> Stages:
            return {stage: work.metered(push(layers)) for stage, layers in by_stage.items()}

        def by_us(run: Callable[..., None]) -> Stages:
            cache, target = filled(work, runtime, first, second), f"{host}/{work.fresh('far')}"
            base = f"{host}/{work.base.partition('/')[2]}"
            return stages(lambda layers: partial(run, base, target, str(cache.root), *(layer.key for layer in layers)))

        def by_crane() -> Stages:
            target = f"{host}/{work.fresh('far')}:1"
            return stages(lambda layers: partial(run_program, *crane(work, *layers, target=target, host=host)))

        runs = take_turns(
            ROUNDS,
            {
                "call": lambda: by_us(ours.append),
                "process": lambda: by_us(lambda *words: run_program(*ours.COMMAND, *words)),
                "crane": by_crane,
            },
        )

    def table(head: str, mine: str, note: str = "") -> Table:
        rows = [runs.row(words, mine, "crane", stage) for stage, words in _STAGES.items()]
        return Table(head, "`crane append`", tuple(rows), note)

    return [table("our process", "process"), table("our call", "call", _NOTE)]


@contextlib.contextmanager
def away(host: str) -> Iterator[str]:
    """Another `host:port` of a registry, farther away; a process of its own, so that it takes none of our time."""
    process = subprocess.Popen([sys.executable, "-m", "bench.far", host], stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        yield f"127.0.0.1:{process.stdout.readline().strip()}"
    finally:
        process.terminate()
        process.wait(10)


async def _serve(host: str) -> None:
    name, _, port = host.partition(":")

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(2 * DELAY)  # the handshake
        there, back = await asyncio.open_connection(name, int(port))
        await asyncio.gather(_carry(reader, back), _carry(there, writer))

    server = await asyncio.start_server(accept, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


async def _carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Passes on what arrives, each chunk so long after it came."""
    loop, queue = asyncio.get_running_loop(), asyncio.Queue[tuple[float, bytes]]()

    async def deliver() -> None:
        while True:
            due, data = await queue.get()
            await asyncio.sleep(max(0.0, due - loop.time()))
            if not data:
                return
            writer.write(data)
            await writer.drain()

    delivery = asyncio.create_task(deliver())
    with contextlib.suppress(OSError):
        while data := await reader.read(_CHUNK):
            queue.put_nowait((loop.time() + DELAY, data))
    queue.put_nowait((loop.time() + DELAY, b""))
    with contextlib.suppress(OSError):
        await delivery
        writer.close()


if __name__ == "__main__":
    asyncio.run(_serve(sys.argv[1]))
