"""`undeploy`: deletes the objects that serve a model, and waits until their pods have ended."""

from __future__ import annotations

from collections.abc import Callable

from fairing_kfp.cluster.client import Cluster, Object
from fairing_kfp.cluster.kinds import Kind
from fairing_kfp.cluster.objects import delete
from fairing_kfp.cluster.watch import follow
from fairing_kfp.errors import DeadlineError, MissingObjectError
from fairing_kfp.serving.served import ServedModel, connect, find_served

_TIMEOUT = 180.0  # seconds; pods finish pending requests first


def undeploy(
    name: str,
    *,
    namespace: str | None = None,
    context: str | None = None,
    target: str | None = None,
    cluster: Cluster | None = None,
    log: Callable[[str], None] | None = None,
) -> tuple[str, ...]:
    """Deletes all objects that serve a model, and waits until their pods have ended. Images and models stay.

    Args:
        name: name of the model.
        namespace: the model's namespace; that of the kubeconfig's context, or of the pod, by default.
        context: kubeconfig context.
        target: `deployment` or `kserve`; needed if both serve that name.
        cluster: the model's cluster; found from the kubeconfig or the pod by default.
        log: called with each line of progress; silent by default.

    Returns:
        Kinds and names of the deleted objects: `Service digits`.

    Raises:
        ConfigError: two backends serve that name.
        MissingObjectError: nothing is served by that name.
        ForeignObjectError: an object of that name is not ours; nothing is deleted.
        DeadlineError: the main object still exists after 3 minutes.
        ClusterError: Kubernetes answers with an error.
    """
    cluster = cluster or connect(namespace, context)
    log = log or (lambda line: None)
    return delete_model(cluster, find_served(cluster, name, target or "", log), log)


def delete_model(cluster: Cluster, model: ServedModel, log: Callable[[str], None]) -> tuple[str, ...]:
    """Deletes all objects of a served model. The main object is the last, so that a retry finds what is left.

    Args:
        cluster: the model's cluster.
        model: the served model.
        log: called with each line of progress.

    Returns:
        Kinds and names of the deleted objects: `Service digits`.

    Raises:
        DeadlineError: the main object still exists after 3 minutes.
        ClusterError: Kubernetes answers with an error.
    """
    deleted = []
    for kind, state in reversed(list(model.rollout.objects.items())):
        uid = state["metadata"]["uid"]
        # In the foreground, an object exists until its pods have ended.
        if delete(cluster, kind, model.name, cluster.namespace, uid=uid, propagation="Foreground"):
            deleted.append(f"{kind.kind} {model.name}")
            log(f"deleting {deleted[-1]}")
        if kind.kind == model.backend.kind:
            _wait(cluster, kind, state)
    return tuple(deleted)


def _wait(cluster: Cluster, kind: Kind, state: Object) -> None:
    name, namespace = state["metadata"]["name"], state["metadata"]["namespace"]
    try:
        for _ in follow(cluster, kind, name, namespace, uid=state["metadata"]["uid"], seconds=_TIMEOUT):
            pass
    except MissingObjectError:
        return
    except DeadlineError as error:
        raise DeadlineError(
            f"{kind.kind} {name} in the namespace {namespace} still exists {_TIMEOUT:.0f} seconds after its deletion",
            "see its finalizers and its pods: kubectl get -o yaml",
        ) from error
