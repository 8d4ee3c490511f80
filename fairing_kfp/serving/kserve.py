"""An InferenceService of KServe: a custom predictor, or a model format that one of its runtimes loads.

Source: https://kserve.github.io/website/docs/reference/crd-api
"""

from __future__ import annotations

import copy
from collections.abc import Sequence

from fairing_kfp.cluster.client import Cluster, Object
from fairing_kfp.cluster.kinds import Kind, find_kind
from fairing_kfp.serving.order import Order
from fairing_kfp.serving.served import VERSION, Served, authors, chosen, pod_spec, version_of, with_image
from fairing_kfp.serving.target import condition, is_observed, is_of, is_ready

_API, _KIND = "serving.kserve.io/v1beta1", "InferenceService"
_MODE = "serving.kserve.io/deploymentMode"
_AUTOSCALER = "serving.kserve.io/autoscalerClass"
_DEADLINE = "serving.knative.dev/progress-deadline"
# What Knative's webhook refuses or decides itself.
_NOT_KNATIVE = ("automountServiceAccountToken", "terminationGracePeriodSeconds")
_NOT_KNATIVE_CONTAINER = ("lifecycle", "startupProbe")
_BROKEN = ("InvalidSpec", "BlockedByFailedLoad")


class KServe:
    """An InferenceService: KServe makes a Deployment of it, or a service of Knative."""

    feature = "kserve"
    container = "kserve-container"

    def kinds(self, cluster: Cluster) -> tuple[Kind, ...]:
        """See `Target`."""
        return (find_kind(cluster, _API, _KIND),)

    def manifests(self, served: Served, before: Object | None) -> list[Object]:
        """See `Target`."""
        order = served.order
        predictor = _format(served) if order.model_format else _custom(served)
        labels = {**order.labels, **chosen(order), VERSION: version_of(predictor, served.image)}
        predictor |= {"labels": labels, **_scaled(order)}
        if order.annotations:
            predictor["annotations"] = dict(order.annotations)
        if order.mode == "Standard":
            rolling = {"maxUnavailable": 0, "maxSurge": "25%"}
            predictor["deploymentStrategy"] = {"type": "RollingUpdate", "rollingUpdate": rolling}
        if order.canary is not None:
            predictor["canaryTrafficPercent"] = order.canary
        annotations = {**order.annotations, _MODE: order.mode, **_scaler(order)}
        if order.mode == "Knative":
            annotations[_DEADLINE] = f"{order.load_within}s"
        metadata = {"name": served.name, "labels": served.labels, "annotations": annotations}
        return [{"apiVersion": _API, "kind": _KIND, "metadata": metadata, "spec": {"predictor": predictor}}]

    def template(self, manifest: Object) -> Object:
        """See `Target`."""
        predictor = manifest["spec"]["predictor"]
        return {"metadata": {"labels": predictor.get("labels") or {}}, "spec": predictor}

    def with_image(self, manifest: Object, image: str) -> Object:
        """See `Target`."""
        changed = copy.deepcopy(manifest)
        predictor = changed["spec"]["predictor"]
        predictor["containers"][0]["image"] = image
        predictor["labels"][VERSION] = with_image(predictor["labels"][VERSION], image)
        return changed

    def arrived(self, state: Object, pods: Sequence[Object]) -> bool:
        """By the pods, as KServe says that it is ready while the version before still is; see `Target`."""
        predictor = state["spec"]["predictor"]
        version = self.template(state)["metadata"]["labels"].get(VERSION, "")
        ready = [pod for pod in pods if is_ready(pod)]
        new = [pod for pod in ready if is_of(pod, version)]
        split = predictor.get("canaryTrafficPercent") not in (None, 100)
        enough = len(new) >= max(int(predictor.get("minReplicas") or 0), 1)
        if not (is_observed(state) and enough and (split or len(new) == len(ready))):
            return False
        return condition(state, "Ready").get("status") == "True"

    def failure(self, state: Object) -> str:
        """See `Target`."""
        # Of a specification that is invalid KServe does not say that it has observed it.
        status = (state.get("status") or {}).get("modelStatus") or {}
        if status.get("transitionStatus") not in _BROKEN:
            return ""
        told = status.get("lastFailureInfo") or {}
        return f"{status['transitionStatus']}: {told.get('reason', '')} {told.get('message', '')}".strip(": ")

    def endpoint(self, state: Object) -> str:
        """As KServe says; see `Target`."""
        metadata, status = state["metadata"], state.get("status") or {}
        named = f"http://{metadata['name']}-predictor.{metadata['namespace']}.svc"
        return str((status.get("address") or {}).get("url") or named)

    def outside(self, cluster: Cluster, state: Object, order: Order) -> list[str]:
        """As KServe says; see `Target`."""
        status = state.get("status") or {}
        url, inside = status.get("url"), (status.get("address") or {}).get("url")
        return [str(url)] if url and url != inside else []


def _custom(served: Served) -> Object:
    pod = pod_spec(served, KServe.container)
    if served.order.mode == "Knative":
        pod = {key: value for key, value in pod.items() if key not in _NOT_KNATIVE}
        first = {key: value for key, value in pod["containers"][0].items() if key not in _NOT_KNATIVE_CONTAINER}
        pod["containers"] = [first, *pod["containers"][1:]]
    return pod


def _format(served: Served) -> Object:
    """A model that a runtime of KServe loads, in the runtime's own pod."""
    order = served.order
    pod = authors(order, KServe.container)
    first, *others = pod.pop("containers")
    model: Object = {
        **{key: value for key, value in first.items() if key != "name"},
        "modelFormat": {"name": order.model_format},
        "storageUri": served.storage,
    }
    if order.runtime:
        model["runtime"] = order.runtime
    return {**pod, "model": model, **({"containers": others} if others else {})}


def _scaled(order: Order) -> Object:
    scaling = order.autoscaling
    if scaling is None:
        return {"minReplicas": order.replicas, "maxReplicas": order.replicas}
    target = {"scaleMetric": "cpu", "scaleTarget": scaling.cpu} if order.mode == "Standard" else {}
    return {"minReplicas": scaling.least, "maxReplicas": scaling.most, **target}


def _scaler(order: Order) -> dict[str, str]:
    """Who decides how many pods there are, in KServe's words."""
    if order.mode == "Knative":
        return {}
    return {_AUTOSCALER: "hpa" if order.autoscaling else "none"}


TARGET = KServe()
