"""A serve step of a run on this machine: the predictor answers on loopback until the run is over.

Later steps of the run may ask it. The server belongs to a keeper, a process that outlives the step and ends with the
run: it holds the reading end of a pipe whose other end the run alone holds, so that it learns of any end.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from fairing_kfp.errors import FairingError, ServingError
from fairing_kfp.local.launcher import Launch
from fairing_kfp.serving.model import Model, artifact
from fairing_kfp.serving.order import Order
from fairing_kfp.serving.outcome import Outcome
from fairing_kfp.serving.sample import ask

_LIFELINE = "lifeline"
_LOOK = 0.05  # seconds
_LONGEST = 160  # characters of a request or answer that are shown


@contextlib.contextmanager
def lifeline(run: Path) -> Iterator[None]:
    """Keeps the servers of a run alive as long as the block lasts.

    Args:
        run: the run's folder.
    """
    path = run / ".serving" / _LIFELINE
    path.parent.mkdir()
    os.mkfifo(path)
    held = os.open(path, os.O_RDWR)
    try:
        yield
    finally:
        os.close(held)


def serve_here(launch: Launch, executor_input: Mapping[str, Any], run: Path, show: Callable[[str], None]) -> int:
    """Runs a serve step; gives its exit code.

    Args:
        launch: how the predictor's server is started; its `serves` is the order.
        executor_input: KFP's.
        run: the run's folder.
        show: is given each line of output.
    """
    order = Order.parse(launch.serves)
    began = time.monotonic()
    try:
        if order.model_format:
            raise ServingError(f"{order.name} is loaded by a runtime of KServe, which is not here", "run it on KFP")
        url = _kept(launch, order, artifact(executor_input), run, show)
        show(f"{order.name} answers at {url} until the run is over; on Kubernetes it is a {order.shown}")
        started = time.monotonic() - began
        exchange = None
        if order.sample is not None:
            exchange = ask(url, order.name, order.sample)
            show(f"asked {_short(exchange.request)}")
            show(f"it answers {_short(exchange.answer)}")
    except FairingError as error:
        show(f"fairing-kfp: {error}")
        return 1
    found = artifact(executor_input)
    Outcome(
        order=order,
        namespace="of this machine",
        endpoint=url,
        image=launch.image,
        model=found[1] if found else "",
        size=Model.of_artifact(*found).size if found else 0,
        exchange=exchange,
        seconds=[("start", started)],
    ).write(executor_input["outputs"])
    return 0


def _kept(launch: Launch, order: Order, model: tuple[Path, str] | None, run: Path, show: Callable[[str], None]) -> str:
    """Has a keeper start the server; gives its URL."""
    place = run / ".serving" / f"{order.name}.json"
    place.unlink(missing_ok=True)
    told = {"launch": replace(launch, name=order.name).__dict__, "model": str(model[0]) if model else None}
    log = place.with_suffix(".log")
    with log.open("wb") as out:
        keeper = subprocess.Popen(
            [sys.executable, "-m", "fairing_kfp.serving.local", json.dumps(told), str(place)],
            stdin=subprocess.DEVNULL, stdout=out, stderr=out, start_new_session=True,
        )  # fmt: skip
    while not place.exists():
        if keeper.poll() is not None:
            raise ServingError(f"the server did not start:\n{log.read_text(errors='replace').strip()}")
        time.sleep(_LOOK)
    for line in log.read_text(errors="replace").splitlines():
        show(line)
    return str(json.loads(place.read_text())["url"])


def keep(told: Mapping[str, Any], place: Path) -> int:
    """Serves until the run is over; gives the exit code.

    Args:
        told: how the server is started, and the model.
        place: where its URL is written when it answers.
    """
    from fairing_kfp.serving.here import running

    launch = Launch(**told["launch"])
    launch = replace(launch, env={**launch.env, "FAIRING_MODEL_NAME": launch.name})
    alive = os.open(place.parent / _LIFELINE, os.O_RDONLY | os.O_NONBLOCK)
    try:
        with running(launch, told["model"], show=lambda line: print(line, flush=True)) as server:  # noqa: T201
            partial = place.with_suffix(".partial")
            partial.write_text(json.dumps({"url": server.endpoint.url}))
            partial.replace(place)
            select.select([alive], [], [])  # nobody writes: it is readable when nobody holds the other end any more
    except FairingError as error:
        print(f"fairing-kfp: {error}", flush=True)  # noqa: T201
        return 1
    return 0


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"


if __name__ == "__main__":
    sys.exit(keep(json.loads(sys.argv[1]), Path(sys.argv[2])))
