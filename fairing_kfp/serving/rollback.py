"""Back to a version that served before, or on to any other: what serves keeps all but its image."""

from __future__ import annotations

from collections.abc import Callable, Collection

from fairing_kfp.cluster.applied import applied
from fairing_kfp.cluster.client import Cluster
from fairing_kfp.errors import ConfigError, ForbiddenError, InvalidObjectError, MissingObjectError, NotInstalledError
from fairing_kfp.image.reference import Reference, is_digest
from fairing_kfp.serving.order import SHOWN
from fairing_kfp.serving.rollout import Rolled, Rollout
from fairing_kfp.serving.target import Target
from fairing_kfp.serving.target import target as target_of

_PATIENCE = 600.0  # seconds in which a pod must have loaded the model


def rollback(
    name: str,
    image: str,
    *,
    namespace: str | None = None,
    context: str | None = None,
    target: str | None = None,
    cluster: Cluster | None = None,
    say: Callable[[str], None] | None = None,
) -> str:
    """Brings what is served to another image, and returns when that serves.

    The images that served before are in the reports of the runs that served them.

    Args:
        name: of what is served.
        image: by digest: the whole name, or the digest alone, in the repository of the image that serves now.
        namespace: where it serves; by default that of the kubeconfig's context, or the pod's.
        context: a context of the kubeconfig.
        target: `deployment` or `kserve`, where both serve that name.
        cluster: where; found by default.
        say: takes a sentence of what goes on; nothing is said by default.

    Returns:
        The image that serves now, by digest.

    Raises:
        ConfigError: the image names no digest.
        MissingObjectError: nothing is served by that name.
        ServingError: that version does not come to serve; the one before then does.
        ClusterError: Kubernetes refuses.
    """
    reference = None if is_digest(image) else Reference.parse(image)
    if reference is not None and not reference.digest:
        raise ConfigError(f"{image} names no digest", "name it as NAME@sha256:…, as the report of its run does")
    cluster = cluster or _cluster(namespace, context)
    found, rollout = _serving(cluster, name, [target] if target else list(SHOWN), say or (lambda text: None))
    before = rollout.before
    manifest = applied(before) if before else None
    if manifest is None or not found.template(manifest)["spec"].get("containers"):
        raise InvalidObjectError(f"{name} has no image of its own", "serve its model anew")
    now = str(found.template(manifest)["spec"]["containers"][0]["image"])
    wanted = str(reference or Reference.parse(now).with_digest(image))
    rolled: Rolled = rollout.to([found.with_image(manifest, wanted)], lambda state: None, only=False)
    return str(found.template(rolled.state)["spec"]["containers"][0]["image"])


def _serving(
    cluster: Cluster, name: str, targets: Collection[str], say: Callable[[str], None]
) -> tuple[Target, Rollout]:
    found: list[tuple[Target, Rollout]] = []
    refused: ForbiddenError | None = None
    for one in targets:
        candidate = target_of(one)
        try:
            rollout = Rollout(cluster, candidate, name, _PATIENCE, say)
        except NotInstalledError:
            continue
        except ForbiddenError as error:
            refused = error
            continue
        if rollout.before:
            found.append((candidate, rollout))
    if not found and refused:
        raise refused
    if not found:
        raise MissingObjectError(
            f"nothing is served by the name {name} in the namespace {cluster.namespace}",
            "see what is: kubectl get deployments,inferenceservices -l fairing-kfp/serves",
            status=404,
        )
    if len(found) > 1:
        raise ConfigError(f"{name} is served by {' and '.join(SHOWN.values())}", "say which: --target")
    return found[0]


def _cluster(namespace: str | None, context: str | None) -> Cluster:
    from dataclasses import replace

    from fairing_kfp.cluster.connect import find_access

    source = find_access(context)
    return Cluster(lambda: replace(source(), namespace=namespace) if namespace else source())
