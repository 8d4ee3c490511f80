"""The step itself: sends the inputs, makes the job or adopts it, follows it, and fetches the outputs."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from fairing_kfp.cluster.owner import Owner
from fairing_kfp.errors import FairingError, VertexError
from fairing_kfp.train.vertex.custom_job import custom_job
from fairing_kfp.train.vertex.jobs import Jobs, ended, failure, follow, page, succeeded
from fairing_kfp.train.vertex.order import VertexOrder
from fairing_kfp.train.vertex.places import Places
from fairing_kfp.train.vertex.staging import Staging
from fairing_kfp.train.vertex.task import env_of

TASK_CONFIG = "fairing_task_config"
"""The input in which KFP hands on the settings of the task, as in `fairing_kfp.train.step`."""

_LOOK = 2.0  # seconds
Say = Callable[[str], None]


def train(
    order: VertexOrder,
    executor_input: Mapping[str, Any],
    owner: Owner,
    *,
    say: Say,
    credentials: Any = None,
    look: float = _LOOK,
) -> None:
    """Runs a component's code on Vertex AI; returns when it has succeeded, with its outputs where KFP wants them.

    Args:
        order: what to run.
        executor_input: KFP's, with the input artifacts lying where it says.
        owner: the task of the run, whose retries adopt its job.
        say: takes a sentence for the step's log.
        credentials: Google's; those of this machine by default.
        look: seconds between two looks at the job, at first.

    Raises:
        ConfigError: a setting is one that Vertex AI cannot take.
        VertexError: Google refuses, or the job failed.
    """
    given = json.loads(json.dumps(executor_input))
    task = given.get("inputs", {}).get("parameterValues", {}).pop(TASK_CONFIG, None) or {}
    env = env_of(order.name, task)
    name = owner.name(order.name)
    mine = hashlib.sha256(f"{owner.run}\0{owner.task}".encode()).hexdigest()[:32]
    places = Places(given, f"{order.staging.rstrip('/')}/{name}")
    wanted = custom_job(order, name, mine, places, env)
    jobs, staging = Jobs(order, credentials), Staging(order, places.folder, credentials)
    job = jobs.find(mine)
    if job is not None and succeeded(job) and not staging.has(places.output):
        job = None  # an earlier attempt has fetched its outputs, and failed later
    with _ended_at_end(jobs, staging, places, mine, say) as seen:
        if job is None:
            staging.check()
            sent = staging.send(places.inputs)
            job = jobs.create(wanted, mine)
            say(f"{order.shown} {name} made" + (f", with {_amount(sent)} of inputs" if sent else "") + f": {page(job)}")
        else:
            say(f"{order.shown} {name} adopted: {page(job)}")
        seen.append(job)
        job = follow(jobs, job, say, look)
        seen.append(job)
        if not succeeded(job):
            raise failure(order, job)
        say(f"{name} is done, with {_amount(_fetch(staging, places, order))} of outputs")


def _fetch(staging: Staging, places: Places, order: VertexOrder) -> int:
    if not staging.has(places.output):
        raise VertexError(
            f"{order.shown} of {order.name} ended without its outputs",
            "see that its code does not leave by sys.exit(), and that its service_account may write to the bucket",
        )
    came = staging.fetch([*places.artifacts, *places.parameters, places.output])
    output = Path(places.output.path)
    output.write_text(json.dumps(places.as_here(json.loads(output.read_bytes()))))
    return came


@contextmanager
def _ended_at_end(jobs: Jobs, staging: Staging, places: Places, mine: str, say: Say) -> Iterator[list[Any]]:
    """Cancels the job, unless it has ended, and empties its folder, however the block is left.

    Yields:
        The list that takes the states of the job as they are seen.
    """
    seen: list[Any] = []
    try:
        yield seen
    except BaseException:

        def end() -> None:
            # A request whose answer was not awaited may have made a job.
            job = seen[-1] if seen else jobs.find(mine)
            if job is not None and not ended(job):
                jobs.cancel(job.name)
                say(f"{job.display_name} is told to end")

        def empty() -> None:
            if seen and succeeded(seen[-1]) and staging.has(places.output):
                say(f"the outputs stay in {staging.folder}, where a retry fetches them")
            else:
                staging.delete()

        _tried(end, "the job may go on", say)
        _tried(empty, f"files are left in {staging.folder}", say)
        raise
    _tried(staging.delete, f"files are left in {staging.folder}", say)


def _tried(act: Callable[[], object], left: str, say: Say) -> None:
    try:
        act()
    except FairingError as error:
        say(f"{left}: {error}")


def _amount(count: int) -> str:
    return f"{count / 1e6:.1f} MB" if count >= 100_000 else f"{count / 1e3:.1f} kB"
