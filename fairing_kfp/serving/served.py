"""Finds what is served under a name, whichever backend serves it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import get_args

from fairing_kfp.cluster.client import Cluster, Object
from fairing_kfp.cluster.managed_fields import last_applied
from fairing_kfp.errors import ConfigError, ForbiddenError, InvalidObjectError, MissingObjectError, NotInstalledError
from fairing_kfp.serving.backend import Backend, backend, content_of
from fairing_kfp.serving.rollout import Rollout, RolloutResult
from fairing_kfp.serving.spec import Target

_TIMEOUT = 600.0  # seconds a pod may take to load the model


@dataclass(frozen=True)
class ServedModel:
    """A served model.

    Attributes:
        name: its name.
        backend: its backend.
        rollout: its objects, and what replaces them.
        state: its main object.
    """

    name: str
    backend: Backend
    rollout: Rollout
    state: Object

    @property
    def resource(self) -> str:
        """The kind and name of the main object: `Deployment digits`."""
        return f"{self.backend.kind} {self.name}"

    def manifest(self) -> Object:
        """The main object, as it was applied last.

        Raises:
            InvalidObjectError: there is no record of that.
        """
        manifest = last_applied(self.state)
        if manifest is None:
            raise InvalidObjectError(
                f"{self.resource} has no record of what fairing-kfp applied", "serve the model again, which writes one"
            )
        return manifest

    def replace(self, manifest: Object) -> RolloutResult:
        """Applies the main object and waits until it is ready. Other objects stay as they are.

        Raises:
            FairingError: it does not become ready; it is rolled back.
        """
        return self.rollout.apply([manifest], lambda state: None, prune=False)

    def content(self, state: Object) -> str:
        """The image of a state's newest version; the URI of a model that KServe loads itself."""
        return content_of(self.backend.template(state))


def find_served(cluster: Cluster, name: str, target: str = "", log: Callable[[str], None] | None = None) -> ServedModel:
    """Finds what is served under a name.

    Args:
        cluster: the model's cluster.
        name: name of the model.
        target: `deployment` or `kserve`; needed if both serve that name.
        log: called with each line of progress; silent by default.

    Raises:
        ConfigError: there is no such target, or both serve that name.
        ForeignObjectError: an object of that name is not ours.
        MissingObjectError: nothing is served by that name.
        ClusterError: Kubernetes answers with an error.
    """
    if target and target not in get_args(Target):
        raise ConfigError(f"target={target!r} is not supported", f"use one of {', '.join(get_args(Target))}")
    found: list[ServedModel] = []
    forbidden: ForbiddenError | None = None
    for one in [target] if target else get_args(Target):
        candidate = backend(one)
        try:
            rollout = Rollout(cluster, candidate, name, _TIMEOUT, log or (lambda line: None))
        except NotInstalledError:
            continue
        except ForbiddenError as error:
            forbidden = error
            continue
        if rollout.previous:
            found.append(ServedModel(name, candidate, rollout, rollout.previous))
    if not found and forbidden:
        raise forbidden
    if not found:
        raise MissingObjectError(
            f"nothing is served as {name} in the namespace {cluster.namespace}",
            "list served models: kubectl get deployments,inferenceservices -l fairing-kfp/serves",
            status=404,
        )
    if len(found) > 1:
        kinds = " and ".join(one.backend.kind for one in found)
        raise ConfigError(f"{name} is served by a {kinds}", "choose one: --target, or the input target")
    return found[0]


def connect(namespace: str | None = None, context: str | None = None) -> Cluster:
    """The cluster of the kubeconfig or of the pod.

    Args:
        namespace: namespace of the models; that of the kubeconfig's context, or of the pod, by default.
        context: kubeconfig context.

    Raises:
        ClusterError: there is no cluster.
    """
    from dataclasses import replace

    from fairing_kfp.cluster.connect import find_config

    source = find_config(context)
    return Cluster(lambda: replace(source(), namespace=namespace) if namespace else source())
