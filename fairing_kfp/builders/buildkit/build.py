"""Building an image of a Dockerfile: creates the Job, sends the context, follows the build, and reads the digest."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from pathlib import Path

from fairing_kfp.builders.buildkit.job import IMAGE, RECEIVED, BuildSpec, build_job
from fairing_kfp.builders.job_pod import CONTAINER, pod_failure, running_pod
from fairing_kfp.cluster.attach import attach
from fairing_kfp.cluster.cleanup import deleted_at_end
from fairing_kfp.cluster.client import Cluster, Object
from fairing_kfp.cluster.kinds import JOB, POD
from fairing_kfp.cluster.logs import follow_log
from fairing_kfp.cluster.objects import condition, create, delete, find, preflight
from fairing_kfp.cluster.owner import Owner
from fairing_kfp.cluster.pods import container_status, phase_of
from fairing_kfp.cluster.watch import follow
from fairing_kfp.errors import ClusterError, JobFailedError, MissingObjectError
from fairing_kfp.image.reference import is_digest
from fairing_kfp.registry.stop import Stop

_CHUNK = 1 << 18
_ERROR = "error: "  # of buildctl, in front of why it failed


def build(
    spec: BuildSpec,
    context: Path | None,
    cluster: Cluster,
    owner: Owner,
    *,
    log: Callable[[str], None],
    log_line: Callable[[str], None],
) -> str:
    """Builds an image by a Job, and returns its digest once it is pushed. The Job is deleted in any case.

    Args:
        spec: the image.
        context: tar archive of the context; None for a Git repository.
        cluster: client of the cluster.
        owner: owner of the Job.
        log: receives messages about the Job.
        log_line: receives lines of the build's log.

    Raises:
        JobFailedError: the build failed, or its pod cannot start.
        ClusterError: Kubernetes rejects the Job or does not answer, or the Job was deleted.
    """
    namespace = cluster.namespace
    name = owner.name("build")
    manifest = build_job(spec, name, namespace)
    manifest["metadata"]["ownerReferences"] = owner.references()
    preflight(cluster, manifest)
    with deleted_at_end(cluster, JOB, name, namespace, owner.labels):
        applied = create(cluster, manifest, owner.labels)
        if not applied.created:  # of an earlier attempt, whose context may be incomplete
            delete(cluster, JOB, name, namespace, uid=applied.uid)
            applied = create(cluster, manifest, owner.labels)
        log(f"created Job {name} in namespace {namespace}")
        pod = running_pod(cluster, name, namespace, applied.uid, Stop(), log)
        if context is not None:
            _send(cluster, namespace, pod, context, log)
        lines = []
        for line in follow_log(cluster, namespace, pod, CONTAINER):
            log_line(line.text)
            lines.append(line.text)
        ended = _ended(cluster, namespace, pod)
        failure = pod_failure(cluster, name, ended) if ended else None
        if failure or not ended:
            _check_deadline(cluster, namespace, name)
        if not ended:
            raise ClusterError(f"pod {pod} of Job {name} was deleted", "run the step again")
        if failure:
            raise _explained(failure, spec, lines)
        return _digest(ended, spec)


def _send(cluster: Cluster, namespace: str, pod: str, context: Path, log: Callable[[str], None]) -> None:
    """Sends the context, and waits until all of it has arrived. If the pod failed, its log tells."""
    attached = attach(cluster, namespace, pod, CONTAINER)
    try:
        with context.open("rb") as file:
            while chunk := file.read(_CHUNK):
                attached.send(chunk)
        log(f"sent the context, {context.stat().st_size:,} bytes")
        received = b""
        while RECEIVED.encode() not in received and (data := attached.receive()):
            received += data
    except ConnectionError as error:
        log(f"the connection to pod {pod} broke: {error}")
    finally:
        attached.close()


def _ended(cluster: Cluster, namespace: str, pod: str) -> Object | None:
    """The state of the pod once its container has ended; None if it was deleted."""
    try:
        for state in follow(cluster, POD, pod, namespace):
            status = container_status(state, CONTAINER)
            if (status is not None and status.terminated) or phase_of(state) in ("Failed", "Succeeded"):
                return state
    except MissingObjectError:
        pass
    return None


def _check_deadline(cluster: Cluster, namespace: str, job: str) -> None:
    """Raises JobFailedError if a Job was ended by its deadline, whose pod is then deleted."""
    found = find(cluster, JOB, job, namespace) or {}
    if any(condition(found, kind).get("reason") == "DeadlineExceeded" for kind in ("FailureTarget", "Failed")):
        raise JobFailedError(f"Job {job} exceeded its deadline", "increase deadline, or reduce the work")


def _explained(failure: JobFailedError, spec: BuildSpec, lines: Iterable[str]) -> JobFailedError:
    """The error of a build, with buildctl's reason instead of the end of the log, which is shown already."""
    reasons = [line.removeprefix(_ERROR) for line in lines if line.startswith(_ERROR)]
    if not reasons:
        return failure
    return JobFailedError(
        f"{spec.dockerfile} cannot be built: {reasons[-1]}", "see the log above, and correct the Dockerfile or context"
    )


def _digest(pod: Object, spec: BuildSpec) -> str:
    """The digest in the metadata of the build, which is the container's termination message."""
    status = container_status(pod, CONTAINER)
    text = ((status.terminated if status else None) or {}).get("message") or ""
    try:
        digest = json.loads(text)["containerimage.digest"]
    except (ValueError, KeyError, TypeError):
        digest = ""
    if not isinstance(digest, str) or not is_digest(digest):
        raise JobFailedError(
            f"the image {spec.image} built {spec.target}, but reported no digest: {text[:200]!r}",
            f"use an image of BuildKit, such as {IMAGE}",
        )
    return digest
