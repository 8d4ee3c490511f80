"""Checks of Kubernetes, of the roles in it, and of Kubeflow Pipelines."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator

from fairing_kfp.builders.cluster.job import FEATURE
from fairing_kfp.cluster.access import check_access
from fairing_kfp.cluster.client import Cluster
from fairing_kfp.cluster.connect import is_configured
from fairing_kfp.doctor.check import Setup
from fairing_kfp.doctor.images import by_cluster
from fairing_kfp.errors import ForbiddenError, UnavailableError
from fairing_kfp.pipeline.roles import rules_by_feature
from fairing_kfp.remote.connect import connect
from fairing_kfp.settings import Settings

_RETRIED = 5.0  # seconds


def has_host(settings: Settings) -> bool:
    """Whether a host of Kubeflow Pipelines is set."""
    return bool(settings.host or os.environ.get("KF_PIPELINES_ENDPOINT"))


def kubernetes(setup: Setup) -> str:
    """The API server, its version and the namespace."""
    with _cluster() as cluster:
        version = cluster.request("GET", "/version").get("gitVersion", "")
        return f"{cluster.config.server} {version}, namespace {_namespace(cluster, setup.settings)}"


def roles(setup: Setup) -> str:
    """The features whose objects these credentials may create, if they are all."""
    with _cluster() as cluster:
        namespace = _namespace(cluster, setup.settings)
        if by_cluster(setup.settings):
            check_access(cluster, FEATURE, setup.settings.cluster_namespace or namespace)
        granted, missing = [], []
        for feature, rules in rules_by_feature().items():
            try:
                check_access(cluster, feature, namespace, rules)
            except ForbiddenError:
                missing.append(feature)
            else:
                granted.append(feature)
    if missing:
        raise UnavailableError(
            f"these credentials lack, in the namespace {namespace}, the roles {', '.join(missing)}"
            + (f"; they have {', '.join(granted)}" if granted else ""),
            "the service account of steps needs those that its pipelines use: write them with "
            "`python -m fairing_kfp.pipeline.roles rbac`, and apply them with kubectl",
        )
    return f"{', '.join(granted)} in the namespace {namespace}"


def pipelines(setup: Setup) -> str:
    """The host of Kubeflow Pipelines, if it answers and accepts the credentials."""
    found = connect(setup.settings, setup.token_file)
    return f"{found.host}, namespace {found.namespace}" if found.namespace else found.host


def _namespace(cluster: Cluster, settings: Settings) -> str:
    return settings.namespace or cluster.namespace


@contextlib.contextmanager
def _cluster() -> Iterator[Cluster]:
    """A client that gives up soon."""
    if not is_configured():
        raise UnavailableError("no cluster is configured", "name a kubeconfig in KUBECONFIG, if you use Kubernetes")
    cluster = Cluster(retry_timeout=_RETRIED)
    try:
        yield cluster
    finally:
        cluster.close()
