"""Checks, before training starts, that the trained model can be served."""

from __future__ import annotations

from collections.abc import Callable

from fairing_kfp.cluster.access import check_access
from fairing_kfp.cluster.client import Cluster
from fairing_kfp.cluster.objects import apply
from fairing_kfp.serving.backend import backend, resource
from fairing_kfp.serving.image import model_image
from fairing_kfp.serving.model_registry import model_registry
from fairing_kfp.serving.pod import ServingPod, owner_labels
from fairing_kfp.serving.rollout import Rollout
from fairing_kfp.serving.spec import ServingSpec

_UNKNOWN = "s3://bucket/model"  # stands for a model that does not exist yet


def check(spec: ServingSpec, cluster: Cluster, *, log: Callable[[str], None]) -> None:
    """Checks that a spec can be carried out, without changing anything.

    Args:
        spec: what to serve.
        cluster: the cluster to serve it in.
        log: called with each line for the step's log.

    Raises:
        RegistryError: the predictor's image cannot be read, or a push is denied.
        ModelRegistryError: the Model Registry does not answer, or refuses the token.
        ClusterError: the backend is not installed, an RBAC rule is missing, or Kubernetes rejects an object.
    """
    if not spec.model_format:
        with model_image(spec) as image:
            image.check()
            log(f"{image.destination} accepts a push")
    if spec.register:
        with model_registry(spec.register, spec.ca) as registry:
            registry.check()
            log(f"the Model Registry at {registry.url} answers")
    chosen = backend(spec.target)
    chosen.check(cluster, spec)
    check_access(cluster, chosen.feature)
    rollout = Rollout(cluster, chosen, spec.name, spec.load_within, log)
    pod = ServingPod(spec, spec.image, storage=_UNKNOWN if spec.model_format else "")
    for manifest in chosen.manifests(pod, rollout.previous):
        apply(cluster, manifest, owner_labels(spec.name), force=True, dry_run=True)
    log(f"{resource(spec)} can be applied in the namespace {cluster.namespace}")
