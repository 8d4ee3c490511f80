"""Sees, before anything is trained, that what was trained can be served in the end."""

from __future__ import annotations

from collections.abc import Callable

from fairing_kfp.cluster.apply import apply
from fairing_kfp.cluster.client import Cluster
from fairing_kfp.cluster.permits import check_permits
from fairing_kfp.serving.append import registries
from fairing_kfp.serving.order import Order
from fairing_kfp.serving.rollout import Rollout
from fairing_kfp.serving.served import Served, ownership
from fairing_kfp.serving.target import target

_UNKNOWN = "s3://bucket/model"  # stands for a model that is not there yet


def check(order: Order, cluster: Cluster, *, say: Callable[[str], None]) -> None:
    """Sees that an order can be carried out, and changes nothing.

    Args:
        order: what is to be served.
        cluster: where.
        say: takes a sentence for the step's log.

    Raises:
        RegistryError: the predictor cannot be read, or a push would not be taken.
        ClusterError: the target is not installed, a role is missing, or what would be applied would be refused.
    """
    if not order.model_format:
        with registries(order) as reached:
            reached.check()
            say(f"{reached.target} takes what is pushed")
    found = target(order.target)
    check_permits(cluster, found.feature)
    rollout = Rollout(cluster, found, order.name, order.load_within, say)
    served = Served(order, order.image, storage=_UNKNOWN if order.model_format else "")
    for manifest in found.manifests(served, rollout.before):
        apply(cluster, manifest, ownership(order.name), force=True, dry_run=True)
    say(f"{order.shown} in the namespace {cluster.namespace} may be applied")
