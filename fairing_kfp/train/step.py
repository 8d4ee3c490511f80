"""The training step: checks the cluster, creates or adopts the job, follows it, and deletes it."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Mapping
from typing import Any

from fairing_kfp.cluster.access import check_access
from fairing_kfp.cluster.cleanup import delete_owned, deleted_at_end
from fairing_kfp.cluster.client import Cluster
from fairing_kfp.cluster.kinds import Kind, kind_of
from fairing_kfp.cluster.objects import Applied, create, delete, preflight
from fairing_kfp.cluster.owner import Owner
from fairing_kfp.errors import ClusterError
from fairing_kfp.train.attempt import Attempt, attempt_annotation
from fairing_kfp.train.follow import JobFollower
from fairing_kfp.train.kinds.kind import rules_of, training_kind
from fairing_kfp.train.node_client import new_token, verifier_of
from fairing_kfp.train.pod_template import pod_template
from fairing_kfp.train.rendezvous import Connect
from fairing_kfp.train.spec import JobSpec
from fairing_kfp.train.task_config import split_task_config


def train(
    spec: JobSpec,
    executor_input: Mapping[str, Any],
    cluster: Cluster,
    *,
    log: Callable[[str], None],
    log_line: Callable[[str], None],
    owner: Owner | None = None,
    name: str = "",
    keep: bool = False,
    connect: Connect | None = None,
) -> None:
    """Runs a component's code as a job, and returns when its outputs are at the paths in the ExecutorInput.

    Args:
        spec: spec of the job.
        executor_input: KFP's ExecutorInput of the step; its input artifacts are files of this machine.
        cluster: cluster that runs the job.
        log: receives messages about the job.
        log_line: receives lines of the job's log.
        owner: owner of the job; by default this step's pod, or outside KFP the spec.
        name: name of the job; by default derived from the spec and the owner.
        keep: whether the finished job is kept. If the step is killed, it is kept as well.
        connect: connects with the nodes; see `fairing_kfp.train.rendezvous.Rendezvous`.

    Raises:
        ForbiddenError: a permission is missing; the remedy is the role.
        JobFailedError: the job failed, or cannot run.
        ClusterError: the job cannot be created, or was deleted.
    """
    given, task_config = split_task_config(executor_input)
    kind = training_kind(spec.kind)
    check_access(cluster, spec.kind, rules=rules_of(kind))
    kind = kind.preflight(cluster, spec)
    owner = owner or Owner.of_step(cluster, f"{spec.text()}{json.dumps(given, sort_keys=True)}")
    name = name or owner.name(spec.name)
    token = new_token()
    mine = attempt_annotation(token)
    template = pod_template(spec, kind.container, owner.labels, verifier_of(token), task_config)
    manifest = kind.manifest(spec, name, template)
    metadata = manifest["metadata"]
    metadata |= {
        "namespace": cluster.namespace,
        "labels": dict(spec.labels),
        "annotations": {**spec.annotations, **mine},
        "ownerReferences": owner.references(),
    }
    job = f"{spec.shown} {name} in namespace {cluster.namespace}"
    resource = kind_of(cluster, manifest)
    preflight(cluster, manifest)
    place = (cluster, resource, name, cluster.namespace, owner.labels)
    deleted = deleted_at_end(*place, annotations=mine, keep=True)
    with contextlib.nullcontext() if keep else deleted:
        applied = create(cluster, manifest, owner.labels)
        if not applied.created and kind.result(applied.object):
            # An earlier attempt was killed after its job had finished; the outputs of that job are lost.
            delete(cluster, resource, name, cluster.namespace, uid=applied.uid)
            applied = create(cluster, manifest, owner.labels)
        log(f"{'created' if applied.created else 'adopted'} {job}")
        if not applied.created:
            _adopt(cluster, resource, applied, owner, mine)
        attempt = Attempt(cluster, resource, applied, token)
        JobFollower(cluster, kind, spec, given, attempt, log, log_line, connect).wait()
        if keep:
            return
        try:
            delete_owned(*place, mine)
        except ClusterError as error:
            log(f"cannot delete {job}: {error}")  # the step has its outputs, so it succeeds


def _adopt(cluster: Cluster, kind: Kind, applied: Applied, owner: Owner, mine: Mapping[str, str]) -> None:
    """Makes the job this attempt's, and its owner this step's pod, since Kubernetes may delete the earlier one's."""
    cluster.request(
        "PATCH",
        kind.path(cluster.namespace, applied.name),
        body={"metadata": {"uid": applied.uid, "annotations": dict(mine), "ownerReferences": owner.references()}},
        content_type="application/merge-patch+json",
    )
