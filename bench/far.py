"""A registry 50 ms away; `python -m bench.far HOST:PORT` is a proxy that delays bytes, and prints its port."""

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
"""Seconds in each direction."""

_CHUNK = 1 << 16
_STAGES = {"first": "first push", "changed": "one line changed", "second": "nothing changed"}
_NOTE = (
    "Two small layers, runtime and code, on a base in another repository. A proxy on this machine delays each byte "
    "by 25 ms in each direction, and a new connection by 50 ms more. fairing-kfp keeps its cache from one stage to "
    "the next, as on a user's machine, but uses a new client in each stage."
)


def measure() -> list[Table]:
    """Compares first, changed and unchanged pushes.

    Raises:
        MissingError: crane is missing.
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
    """The `host:port` of a proxy that delays a registry. It is a process of its own, to take no time of this one."""
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
    """Forwards each chunk after the delay."""
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
