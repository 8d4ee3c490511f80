"""The training step on Vertex AI: uploads inputs, creates or adopts the job, follows it, and downloads outputs."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from fairing_kfp.cluster.owner import Owner
from fairing_kfp.errors import FairingError, JobFailedError
from fairing_kfp.train.size import human_size
from fairing_kfp.train.task_config import split_task_config
from fairing_kfp.train.vertex.custom_job import custom_job
from fairing_kfp.train.vertex.jobs import Jobs, console_url, failure, follow, has_ended, has_succeeded
from fairing_kfp.train.vertex.paths import JobPaths
from fairing_kfp.train.vertex.spec import VertexJobSpec
from fairing_kfp.train.vertex.staging import Staging
from fairing_kfp.train.vertex.task import env_of_task

_INTERVAL = 2.0  # seconds
Log = Callable[[str], None]


def train(
    spec: VertexJobSpec,
    executor_input: Mapping[str, Any],
    owner: Owner,
    *,
    log: Log,
    credentials: Any = None,
    interval: float = _INTERVAL,
) -> Any:
    """Runs a component's code on Vertex AI, and returns when its outputs are at the paths in the ExecutorInput.

    Args:
        spec: spec of the job.
        executor_input: KFP's ExecutorInput of the step; its input artifacts are files of this machine.
        owner: the task of the run; a retry adopts the job of the same owner.
        log: receives messages.
        credentials: Google credentials; application default credentials if None.
        interval: seconds until the job's state is first requested again; see `jobs.follow`.

    Returns:
        The last state of the job, a `google.cloud.aiplatform_v1.types.CustomJob`.

    Raises:
        ConfigError: Vertex AI does not support a setting of the task.
        JobFailedError: the job failed.
        VertexError: Google Cloud rejects a request, or does not answer.
    """
    given, task_config = split_task_config(executor_input)
    env = env_of_task(spec.name, task_config)
    name = owner.name(spec.name)
    label = hashlib.sha256(f"{owner.run}\0{owner.task}".encode()).hexdigest()[:32]
    paths = JobPaths(given, f"{spec.staging.rstrip('/')}/{name}")
    request = custom_job(spec, name, label, paths, env)
    jobs, staging = Jobs(spec, credentials), Staging(spec, paths.folder, credentials)
    job = jobs.find(label)
    if job is not None and has_succeeded(job) and not staging.has(paths.output):
        job = None  # an earlier attempt downloaded the outputs, and failed later
    with _cancelled_at_end(jobs, staging, paths, label, log) as states:
        if job is None:
            staging.check()
            sent = staging.upload(paths.inputs)
            job = jobs.create(request, label)
            inputs = f" with {human_size(sent)} of inputs" if sent else ""
            log(f"created {spec.shown} {name}{inputs}: {console_url(job)}")
        else:
            log(f"adopted {spec.shown} {name}: {console_url(job)}")
        states.append(job)
        job = follow(jobs, job, log, interval)
        states.append(job)
        if not has_succeeded(job):
            raise failure(spec, job)
        log(f"{name} succeeded; downloaded {human_size(_download(staging, paths, spec))} of outputs")
    return job


def _download(staging: Staging, paths: JobPaths, spec: VertexJobSpec) -> int:
    if not staging.has(paths.output):
        raise JobFailedError(
            f"{spec.shown} of {spec.name} ended without its outputs",
            "check that its code does not call sys.exit(), and that its service_account may write to the bucket",
        )
    received = staging.download([*paths.artifacts, *paths.parameters, paths.output])
    output = Path(paths.output.path)
    output.write_text(json.dumps(paths.with_original_uris(json.loads(output.read_bytes()))))
    return received


@contextmanager
def _cancelled_at_end(jobs: Jobs, staging: Staging, paths: JobPaths, label: str, log: Log) -> Iterator[list[Any]]:
    """Deletes the job's folder when the block is left; after an exception also cancels a job that has not ended.

    Yields:
        The list to which the caller appends each state of the job.
    """
    states: list[Any] = []
    try:
        yield states
    except BaseException:

        def cancel() -> None:
            # A request may have created a job although its response was not received.
            job = states[-1] if states else jobs.find(label)
            if job is not None and not has_ended(job):
                jobs.cancel(job.name)
                log(f"cancelling {job.display_name}")

        def clean_up() -> None:
            if states and has_succeeded(states[-1]) and staging.has(paths.output):
                log(f"keeping the outputs in {staging.folder}, from where a retry downloads them")
            else:
                staging.delete()

        _attempt(cancel, "the job may still run", log)
        _attempt(clean_up, f"cannot delete {staging.folder}", log)
        raise
    _attempt(staging.delete, f"cannot delete {staging.folder}", log)


def _attempt(act: Callable[[], object], consequence: str, log: Log) -> None:
    try:
        act()
    except FairingError as error:
        log(f"{consequence}: {error}")
