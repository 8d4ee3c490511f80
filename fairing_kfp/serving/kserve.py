"""The KServe backend: an InferenceService with a custom predictor, or with a model format that a runtime loads.

Source: https://kserve.github.io/website/docs/reference/crd-api
"""

from __future__ import annotations

import copy
from collections.abc import Sequence

from fairing_kfp.cluster.client import Cluster, Object
from fairing_kfp.cluster.kinds import Kind, find_kind, schema_of
from fairing_kfp.cluster.objects import condition
from fairing_kfp.errors import NotInstalledError
from fairing_kfp.serving.backend import has_version, is_observed, is_pod_ready
from fairing_kfp.serving.canary import (
    NAME,
    NOT_IN_PODS,
    canary_of,
    canary_status,
    with_canary,
    with_canary_alone,
    without_canary,
)
from fairing_kfp.serving.pod import VERSION, ServingPod, author_pod, pod_spec, selector, version_of, with_image
from fairing_kfp.serving.spec import ServingSpec

_API, _KIND = "serving.kserve.io/v1beta1", "InferenceService"
_MODE = "serving.kserve.io/deploymentMode"
_AUTOSCALER = "serving.kserve.io/autoscalerClass"
_DEADLINE = "serving.knative.dev/progress-deadline"
# Fields that Knative's webhook rejects or sets itself.
_NOT_KNATIVE = ("automountServiceAccountToken", "terminationGracePeriodSeconds")
_NOT_KNATIVE_CONTAINER = ("lifecycle", "startupProbe")
_SHARE = "canaryTrafficPercent"  # in Knative mode
_BROKEN = ("InvalidSpec", "BlockedByFailedLoad")


class KServe:
    """KServe turns an InferenceService into a Deployment or a Knative service."""

    kind = _KIND
    feature = "kserve"
    container = "kserve-container"

    def kinds(self, cluster: Cluster) -> tuple[Kind, ...]:
        """See `Backend`."""
        return (find_kind(cluster, _API, _KIND),)

    def check(self, cluster: Cluster, spec: ServingSpec) -> None:
        """Canaries in Standard mode need KServe 0.20; see `Backend`."""
        if spec.canary is None or spec.mode != "Standard":
            return
        schema = schema_of(cluster, find_kind(cluster, _API, _KIND))
        if "canary" not in schema["properties"]["spec"].get("properties", {}):
            raise NotInstalledError(
                f"canary={spec.canary} of {spec.name} needs the field spec.canary, which the installed KServe lacks",
                'install KServe 0.20 or later, use mode="Knative", or leave out canary=',
                status=404,
            )

    def manifests(self, pod: ServingPod, current: Object | None) -> list[Object]:
        """See `Backend`."""
        spec = pod.spec
        predictor = _format(pod) if spec.model_format else _custom(pod)
        labels = {**spec.labels, **selector(spec), VERSION: version_of(predictor, pod.image)}
        predictor |= {"labels": labels, **_scale(spec)}
        if spec.annotations:
            predictor["annotations"] = dict(spec.annotations)
        if spec.mode == "Standard":
            rolling = {"maxUnavailable": 0, "maxSurge": "25%"}
            predictor["deploymentStrategy"] = {"type": "RollingUpdate", "rollingUpdate": rolling}
        if spec.canary is not None and spec.mode == "Knative":
            predictor[_SHARE] = spec.canary
        annotations = {**spec.annotations, _MODE: spec.mode, **_autoscaler_class(spec)}
        if spec.mode == "Knative":
            annotations[_DEADLINE] = f"{spec.load_within}s"
        metadata = {"name": pod.name, "labels": pod.labels, "annotations": annotations}
        manifest = {"apiVersion": _API, "kind": _KIND, "metadata": metadata, "spec": {"predictor": predictor}}
        if spec.canary is not None and spec.mode == "Standard":
            return [with_canary(manifest, current, spec.canary)]
        return [manifest]

    def template(self, manifest: Object) -> Object:
        """See `Backend`."""
        predictor = (canary_of(manifest) or manifest["spec"])["predictor"]
        return {"metadata": {"labels": predictor.get("labels") or {}}, "spec": predictor}

    def with_content(self, manifest: Object, content: str) -> Object:
        """See `Backend`."""
        changed = copy.deepcopy(without_canary(manifest))
        predictor = changed["spec"]["predictor"]
        predictor.pop(_SHARE, None)
        labels = predictor["labels"]
        if "model" in predictor:
            predictor["model"]["storageUri"] = content
            pod = {key: value for key, value in predictor.items() if key not in NOT_IN_PODS}
            labels[VERSION] = version_of(pod, "")
        else:
            predictor["containers"][0]["image"] = content
            labels[VERSION] = with_image(labels[VERSION], content)
        return changed

    def without_canary(self, manifest: Object) -> Object | None:
        """Only Standard mode has canaries of their own; see `Backend`."""
        return without_canary(manifest) if canary_of(manifest) else None

    def promoted(self, manifest: Object, state: Object) -> Object | None:
        """See `Backend`."""
        if canary_of(manifest):
            return with_canary_alone(manifest, state)
        if self.share(manifest) == 100:
            return None
        changed = copy.deepcopy(manifest)
        del changed["spec"]["predictor"][_SHARE]
        return changed

    def share(self, state: Object) -> int:
        """See `Backend`."""
        canary = canary_of(state)
        if canary:
            return int(canary["trafficPercent"])
        percent = state["spec"]["predictor"].get(_SHARE)
        return 100 if percent is None else int(percent)

    def is_ready(self, state: Object, pods: Sequence[Object]) -> bool:
        """Counts pods, since KServe reports Ready while only the previous version is; see `Backend`."""
        ready = [pod for pod in pods if is_pod_ready(pod)]
        new = [pod for pod in ready if has_version(pod, _version(self.template(state)))]
        if condition(state, "Ready").get("status") != "True":
            return False
        canary = canary_of(state)
        if canary is not None:
            return bool(new) and _is_split(state, canary["trafficPercent"], [pod for pod in ready if pod not in new])
        predictor = state["spec"]["predictor"]
        split = self.share(state) < 100
        enough = len(new) >= max(int(predictor.get("minReplicas") or 0), 1)
        return _is_observed(state) and enough and (split or len(new) == len(ready))

    def failure(self, state: Object) -> str:
        """See `Backend`."""
        # KServe does not update observedGeneration for an invalid spec.
        reported = canary_status(state) if canary_of(state) else state.get("status") or {}
        status = reported.get("modelStatus") or {}
        if status.get("transitionStatus") not in _BROKEN:
            return ""
        info = status.get("lastFailureInfo") or {}
        return f"{status['transitionStatus']}: {info.get('reason', '')} {info.get('message', '')}".strip(": ")

    def service(self, state: Object) -> str:
        """KServe has a Service, or Knative one for each version; see `Backend`."""
        return ""

    def endpoint(self, state: Object) -> str:
        """The URL in the status; see `Backend`."""
        metadata, status = state["metadata"], state.get("status") or {}
        default = f"http://{metadata['name']}-predictor.{metadata['namespace']}.svc"
        return str((status.get("address") or {}).get("url") or default)

    def newest_endpoint(self, state: Object) -> str:
        """The Service of the canary, if there is one; see `Backend`."""
        metadata = state["metadata"]
        if canary_of(state):
            return f"http://{metadata['name']}-{NAME}-predictor.{metadata['namespace']}.svc"
        return self.endpoint(state)

    def external_urls(self, cluster: Cluster, state: Object, spec: ServingSpec) -> list[str]:
        """The URL in the status; see `Backend`."""
        status = state.get("status") or {}
        url, inside = status.get("url"), (status.get("address") or {}).get("url")
        return [str(url)] if url and url != inside else []


def _version(template: Object) -> str:
    return str(template["metadata"]["labels"].get(VERSION, ""))


def _is_observed(state: Object) -> bool:
    """Whether KServe has seen the latest generation. In Standard mode it reports that of its Deployment instead."""
    mode = (state["metadata"].get("annotations") or {}).get(_MODE)
    return mode == "Standard" or is_observed(state)


def _is_split(state: Object, percent: int, others: Sequence[Object]) -> bool:
    """Whether a canary gets its share, and a version that serves the rest is ready.

    Args:
        state: the InferenceService.
        percent: the canary's share.
        others: the ready pods of all other versions.
    """
    stable = str((state["spec"]["predictor"].get("labels") or {}).get(VERSION))
    reported = canary_status(state)
    if not (reported.get("ready") and reported.get("trafficPercent") == percent):
        return False
    return bool(others) and all(has_version(pod, stable) for pod in others)


def _custom(pod: ServingPod) -> Object:
    spec = pod_spec(pod, KServe.container)
    if pod.spec.mode == "Knative":
        spec = {key: value for key, value in spec.items() if key not in _NOT_KNATIVE}
        first = {key: value for key, value in spec["containers"][0].items() if key not in _NOT_KNATIVE_CONTAINER}
        spec["containers"] = [first, *spec["containers"][1:]]
    return spec


def _format(pod: ServingPod) -> Object:
    """A model that a KServe runtime loads, in the runtime's own pod."""
    spec = pod.spec
    custom = author_pod(spec, KServe.container)
    first, *others = custom.pop("containers")
    model: Object = {
        **{key: value for key, value in first.items() if key != "name"},
        "modelFormat": {"name": spec.model_format},
        "storageUri": pod.storage,
    }
    if spec.runtime:
        model["runtime"] = spec.runtime
    return {**custom, "model": model, **({"containers": others} if others else {})}


def _scale(spec: ServingSpec) -> Object:
    scaling = spec.autoscaling
    if scaling is None:
        return {"minReplicas": spec.replicas, "maxReplicas": spec.replicas}
    target = {"scaleMetric": "cpu", "scaleTarget": scaling.cpu} if spec.mode == "Standard" else {}
    return {"minReplicas": scaling.least, "maxReplicas": scaling.most, **target}


def _autoscaler_class(spec: ServingSpec) -> dict[str, str]:
    """The annotation that names the autoscaler. Knative has its own."""
    if spec.mode == "Knative":
        return {}
    return {_AUTOSCALER: "hpa" if spec.autoscaling else "none"}


BACKEND = KServe()
