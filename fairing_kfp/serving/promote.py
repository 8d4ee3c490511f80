"""`promote`: a canary gets all requests, and the version before it ends."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from fairing_kfp.cluster.client import Cluster, Object
from fairing_kfp.errors import ConfigError
from fairing_kfp.serving.rollout import RolloutResult
from fairing_kfp.serving.sample import send_sample
from fairing_kfp.serving.served import ServedModel, connect, find_served

SendSample = Callable[[str, str, Any], object]
"""Sends a sample request; see `fairing_kfp.serving.sample.send_sample`."""


def promote(
    name: str,
    *,
    namespace: str | None = None,
    context: str | None = None,
    target: str | None = None,
    sample: Any = None,
    cluster: Cluster | None = None,
    log: Callable[[str], None] | None = None,
) -> str:
    """Gives all requests to the canary of a served model, and waits until its version serves them.

    Without a canary, nothing is changed.

    Args:
        name: name of the model.
        namespace: the model's namespace; that of the kubeconfig's context, or of the pod, by default.
        context: kubeconfig context.
        target: `deployment` or `kserve`; needed if both serve that name.
        sample: request that is sent then; an error as the response restores the canary. None sends no request.
        cluster: the model's cluster; found from the kubeconfig or the pod by default.
        log: called with each line of progress; silent by default.

    Returns:
        What gets all requests now: an image by digest, or the URI of a model that KServe loads itself.

    Raises:
        ConfigError: a Deployment has no canaries, or two backends serve that name.
        MissingObjectError: nothing is served by that name.
        ForeignObjectError: an object of that name is not ours.
        ServingError: the version does not become ready; the canary is restored.
        ClusterError: Kubernetes answers with an error.
    """
    model = find_served(cluster or connect(namespace, context), name, target or "", log)
    rolled_out = promote_model(model, sample)
    return model.content(rolled_out.state if rolled_out else model.state)


def promote_model(model: ServedModel, sample: Any = None, send: SendSample = send_sample) -> RolloutResult | None:
    """Gives all requests to the canary of a served model; see `promote`.

    Args:
        model: the served model.
        sample: request that is sent then; an error as the response restores the canary. None sends no request.
        send: sends the request.

    Returns:
        The rollout; None if the model has no canary, so that its version gets all requests already.

    Raises:
        ConfigError: a Deployment has no canaries.
        ServingError: the version does not become ready; the canary is restored.
        ClusterError: Kubernetes answers with an error.
    """
    if model.backend.kind == "Deployment":
        raise ConfigError(
            f"{model.resource} has no canary: a Deployment does not split requests", "serve the model by KServe"
        )
    promoted = model.backend.promoted(model.manifest(), model.state)
    if promoted is None:
        return None

    def confirm(state: Object) -> None:
        if sample is not None:
            send(model.backend.endpoint(state), model.name, sample)

    return model.rollout.apply([promoted], confirm, prune=False)
