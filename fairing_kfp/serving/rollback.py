"""`rollback`: rolls a served model back to an earlier image, or to any other, or ends its canary."""

from __future__ import annotations

from collections.abc import Callable

from fairing_kfp.cluster.client import Cluster, Object
from fairing_kfp.errors import ConfigError
from fairing_kfp.image.reference import Reference, is_digest
from fairing_kfp.serving.rollout import RolloutResult
from fairing_kfp.serving.served import ServedModel, connect, find_served
from fairing_kfp.serving.storage import storage_uri


def rollback(
    name: str,
    image: str = "",
    *,
    namespace: str | None = None,
    context: str | None = None,
    target: str | None = None,
    cluster: Cluster | None = None,
    log: Callable[[str], None] | None = None,
) -> str:
    """Changes the image of a served model, and waits until the new version is ready. Nothing else is changed.

    The image then gets all requests, also if the model had a canary. The reports of earlier runs name what they served.

    Args:
        name: name of the model.
        image: image by digest, or a digest in the repository of the current image; the URI of a model that KServe loads
            itself. Without it, a canary in KServe's Standard mode ends, and the version before it gets all requests.
        namespace: the model's namespace; that of the kubeconfig's context, or of the pod, by default.
        context: kubeconfig context.
        target: `deployment` or `kserve`; needed if both serve that name.
        cluster: the model's cluster; found from the kubeconfig or the pod by default.
        log: called with each line of progress; silent by default.

    Returns:
        The image that is served now, by digest; the URI of a model that KServe loads itself.

    Raises:
        ConfigError: the image has no digest, or is missing and there is no canary, or two backends serve that name.
        MissingObjectError: nothing is served by that name.
        ServingError: the version does not become ready; it is rolled back.
        ClusterError: Kubernetes answers with an error.
    """
    _check(name, image)
    model = find_served(cluster or connect(namespace, context), name, target or "", log)
    return model.content(roll_back(model, image).state)


def roll_back(model: ServedModel, version: str = "") -> RolloutResult:
    """Rolls a served model back; see `rollback`.

    Args:
        model: the served model.
        version: image by digest, a digest, or the URI of a model that KServe loads; empty to end a canary.

    Raises:
        ConfigError: the version does not fit the model, or is missing and there is no canary.
        ServingError: the version does not become ready; it is rolled back.
        ClusterError: Kubernetes answers with an error.
    """
    _check(model.name, version)
    manifest = model.manifest()
    if not version:
        ended = model.backend.without_canary(manifest)
        if ended is None:
            raise ConfigError(
                f"{model.resource} has no canary that could end", "name the image or the URI to roll back to"
            )
        return model.replace(ended)
    return model.replace(model.backend.with_content(manifest, _content(model, manifest, version)))


def _check(name: str, version: str) -> None:
    """Checks a version by itself, before Kubernetes is asked."""
    if not version or is_digest(version):
        return
    if "://" in version:
        storage_uri(version)
    elif not Reference.parse(version).digest:
        raise ConfigError(
            f"{name} cannot be rolled back to {version}, which has no digest", "use NAME@sha256:…, as in its report"
        )


def _content(model: ServedModel, manifest: Object, version: str) -> str:
    """The whole image or URI.

    Raises:
        ConfigError: an image is given for a model that KServe loads, or the other way round.
    """
    current = model.content(manifest)
    if ("://" in current) != ("://" in version):
        remedy = (
            "name the URI of the model to roll back to"
            if "://" in current
            else "name an image by digest, or serve the model of that URI by serve_model"
        )
        raise ConfigError(f"{model.resource} serves {current}, and {version} cannot replace it", remedy)
    if "://" in version:
        return storage_uri(version)
    return str(Reference.parse(current).with_digest(version) if is_digest(version) else Reference.parse(version))
