"""The train step itself: checks, makes the job or adopts it, follows it, and leaves nothing behind."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from fairing_kfp.cluster.apply import Placed, create, delete, preflight
from fairing_kfp.cluster.cleanup import deleted_at_end
from fairing_kfp.cluster.client import Cluster, Object
from fairing_kfp.cluster.kinds import Kind, kind_of
from fairing_kfp.cluster.owner import Owner
from fairing_kfp.errors import ClusterError
from fairing_kfp.train.exchange import new_token, verifier_of
from fairing_kfp.train.follow import JobFollower
from fairing_kfp.train.order import Order
from fairing_kfp.train.template import pod_template
from fairing_kfp.train.workload import workload

TASK_CONFIG = "fairing_task_config"
"""The input in which KFP hands on the settings of the task: `dsl.TaskConfig`."""


def train(
    order: Order,
    executor_input: Mapping[str, Any],
    cluster: Cluster,
    *,
    say: Callable[[str], None],
    show: Callable[[str], None],
) -> None:
    """Runs a component's code as a job; returns when it has succeeded, with its outputs where KFP wants them.

    Args:
        order: what to run.
        executor_input: KFP's, with the input artifacts lying where it says.
        cluster: where.
        say: takes a sentence for the step's log.
        show: takes a line of the job's log.

    Raises:
        ClusterError: the job cannot be made, failed, or was deleted.
    """
    given, task = _without_task(executor_input)
    kind = workload(order.kind).check(cluster, order)
    owner = Owner.of_step(cluster, f"{order.text()}{json.dumps(given, sort_keys=True)}")
    name = owner.name(order.name)
    token = new_token()
    template = pod_template(order, kind.container, owner.labels, verifier_of(token), task)
    manifest = kind.manifest(order, name, template)
    metadata = manifest["metadata"]
    metadata |= {
        "namespace": cluster.namespace,
        "labels": dict(order.labels),
        "annotations": dict(order.annotations),
        "ownerReferences": owner.references(),
    }
    found = kind_of(cluster, manifest)
    preflight(cluster, manifest)
    with deleted_at_end(cluster, found, name, cluster.namespace, owner.labels, keep=True):
        placed = create(cluster, manifest, owner.labels)
        if not placed.created and kind.outcome(placed.object):
            # What an attempt left that was killed as its job ended; nothing is to be had of it any more.
            delete(cluster, found, name, cluster.namespace, uid=placed.uid)
            placed = create(cluster, manifest, owner.labels)
        say(f"{order.shown} {name} in the namespace {cluster.namespace} " + ("made" if placed.created else "adopted"))
        if not placed.created:
            _adopt(cluster, found, placed, owner)
        JobFollower(cluster, kind, order, given, token, say, show).to_the_end(found, placed)
        try:
            delete(cluster, found, name, cluster.namespace, uid=placed.uid)
        except ClusterError as error:
            # What it was for is done.
            say(f"{order.shown} {name} in the namespace {cluster.namespace} is left behind: {error}")


def _without_task(executor_input: Mapping[str, Any]) -> tuple[dict[str, Any], Object]:
    """The executor input as the component itself would have got it, and KFP's settings of the task."""
    given = json.loads(json.dumps(executor_input))
    task = given.get("inputs", {}).get("parameterValues", {}).pop(TASK_CONFIG, None)
    return given, task or {}


def _adopt(cluster: Cluster, kind: Kind, placed: Placed, owner: Owner) -> None:
    """Ties the job of an earlier attempt to the pod of this one: Kubernetes may collect the earlier pod at any time."""
    cluster.request(
        "PATCH",
        kind.path(cluster.namespace, placed.name),
        body={"metadata": {"uid": placed.uid, "ownerReferences": owner.references()}},
        content_type="application/merge-patch+json",
    )
