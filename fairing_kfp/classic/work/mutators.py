"""Pod spec mutators in Fairing's form `(kube_manager, pod_spec, namespace)`, and in ours."""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable, Iterable
from types import SimpleNamespace
from typing import Any

from fairing_kfp.classic.utils import get_default_target_namespace
from fairing_kfp.cluster.mutators import Mutator, PodSpec, from_fairing

FairingMutator = Callable[[Any, Any, str], None]
"""Changes a `kubernetes.client.V1PodSpec` in place; takes a `KubeManager`, the specification and the namespace."""


def in_fairings_form(mutate: Mutator) -> FairingMutator:
    """A mutator of ours in Fairing's form.

    Args:
        mutate: takes a pod specification, and returns a changed copy.
    """

    def apply(kube_manager: Any, pod_spec: Any, namespace: str) -> None:
        from kubernetes.client import ApiClient

        with ApiClient() as client:
            changed = mutate(client.sanitize_for_serialization(pod_spec))
            made = client.deserialize(SimpleNamespace(data=json.dumps(changed)), "V1PodSpec")
        for name in made.openapi_types:
            setattr(pod_spec, name, getattr(made, name))

    return apply


def in_our_form(
    mutators: Iterable[Callable[..., Any]], namespace: str | None, kube_manager: Callable[[], Any]
) -> list[Mutator]:
    """Mutators of either form in ours.

    Args:
        mutators: the mutators.
        namespace: namespace that they are called with; by default that of the job, `get_default_target_namespace()`.
        kube_manager: makes the manager that they are called with.
    """

    def adapted(mutator: Callable[..., Any]) -> Mutator:
        if len(inspect.signature(mutator).parameters) == 1:
            return mutator
        return lambda spec: from_fairing(mutator, namespace or get_default_target_namespace(), kube_manager())(spec)

    return [adapted(mutator) for mutator in mutators]


def given_pod(pod: PodSpec) -> list[Mutator]:
    """A mutator that starts from a pod specification; none if it is empty.

    Args:
        pod: the specification; its first container is named `main`.
    """
    empty: PodSpec = {"containers": [{"name": "main"}]}
    return [lambda spec: pod] if pod != empty else []
