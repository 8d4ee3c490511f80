"""The Deployment backend: a Deployment and a Service, optionally an Ingress or HTTPRoute and a HorizontalPodAutoscaler.

Source: https://kubernetes.io/docs/concepts/workloads/controllers/deployment/
"""

from __future__ import annotations

import copy
from collections.abc import Sequence

from fairing_kfp.cluster.client import Cluster, Object
from fairing_kfp.cluster.kinds import DEPLOYMENT, SERVICE, Kind, find_kind
from fairing_kfp.cluster.managed_fields import owns
from fairing_kfp.cluster.objects import condition, find
from fairing_kfp.errors import NotInstalledError
from fairing_kfp.serving.backend import is_observed
from fairing_kfp.serving.pod import PORT, VERSION, ServingPod, pod_spec, selector, version_of, with_image
from fairing_kfp.serving.spec import Autoscaling, ServingSpec

INGRESS = Kind("networking.k8s.io/v1", "Ingress", "ingresses")
AUTOSCALER = Kind("autoscaling/v2", "HorizontalPodAutoscaler", "horizontalpodautoscalers")

_GATEWAYS = "gateway.networking.k8s.io"
_ROUTE = (f"{_GATEWAYS}/v1", "HTTPRoute")
_REPLICAS = ("f:spec", "f:replicas")
_SERVICE_PORT = 80
_STARTUP_SECONDS = 60  # to schedule a pod and pull its image, in addition to loading the model


class Deployment:
    """Rolls out pod by pod: a new pod is ready before an old one ends."""

    kind = DEPLOYMENT.kind
    feature = "deployment"
    container = "predictor"

    def kinds(self, cluster: Cluster) -> tuple[Kind, ...]:
        """Kinds that every cluster has, and HTTPRoute if this one has it; see `Backend`."""
        kinds = (DEPLOYMENT, SERVICE, INGRESS, AUTOSCALER)
        try:
            return (*kinds, find_kind(cluster, *_ROUTE))
        except NotInstalledError:
            return kinds

    def check(self, cluster: Cluster, spec: ServingSpec) -> None:
        """`gateway=` needs the Gateway API; see `Backend`."""
        if spec.gateway:
            find_kind(cluster, *_ROUTE)

    def manifests(self, pod: ServingPod, current: Object | None) -> list[Object]:
        """See `Backend`."""
        manifests = [_deployment(pod, current), _service(pod)]
        if pod.spec.host:
            manifests.append(_route(pod) if pod.spec.gateway else _ingress(pod))
        if pod.spec.autoscaling:
            manifests.append(_autoscaler(pod, pod.spec.autoscaling))
        return manifests

    def template(self, manifest: Object) -> Object:
        """See `Backend`."""
        return dict(manifest["spec"]["template"])

    def with_content(self, manifest: Object, content: str) -> Object:
        """See `Backend`."""
        changed = copy.deepcopy(manifest)
        template = changed["spec"]["template"]
        template["spec"]["containers"][0]["image"] = content
        labels = template["metadata"]["labels"]
        labels[VERSION] = with_image(labels[VERSION], content)
        return changed

    def without_canary(self, manifest: Object) -> Object | None:
        """See `Backend`."""
        return None

    def promoted(self, manifest: Object, state: Object) -> Object | None:
        """See `Backend`."""
        return None

    def share(self, state: Object) -> int:
        """Pods share requests equally, but only the newest version has any; see `Backend`."""
        return 100

    def is_ready(self, state: Object, pods: Sequence[Object]) -> bool:
        """Applies the rules of `kubectl rollout status`; see `Backend`."""
        status, wanted = state.get("status") or {}, state["spec"]["replicas"]
        counts = {status.get(key, 0) for key in ("updatedReplicas", "replicas", "availableReplicas")}
        return is_observed(state) and counts == {wanted}

    def failure(self, state: Object) -> str:
        """See `Backend`."""
        if not is_observed(state):
            return ""
        rejected = condition(state, "ReplicaFailure")
        if rejected.get("status") == "True":
            return f"Kubernetes rejects its pods: {rejected.get('message', '')}"
        progressing = condition(state, "Progressing")
        if progressing.get("reason") == "ProgressDeadlineExceeded":
            return f"it made no progress in {state['spec'].get('progressDeadlineSeconds')} seconds"
        return ""

    def service(self, state: Object) -> str:
        """The Service has the Deployment's name; see `Backend`."""
        return str(state["metadata"]["name"])

    def endpoint(self, state: Object) -> str:
        """The Service has the Deployment's name; see `Backend`."""
        return f"http://{state['metadata']['name']}.{state['metadata']['namespace']}.svc"

    def newest_endpoint(self, state: Object) -> str:
        """All versions share the Service; see `Backend`."""
        return self.endpoint(state)

    def external_urls(self, cluster: Cluster, state: Object, spec: ServingSpec) -> list[str]:
        """URLs of the Ingress or HTTPRoute, the load balancer and the node port; see `Backend`."""
        metadata = state["metadata"]
        urls = [f"http://{spec.host}"] if spec.host else []
        service = find(cluster, SERVICE, metadata["name"], metadata["namespace"]) or {}
        status = (service.get("status") or {}).get("loadBalancer") or {}
        urls += [f"http://{one.get('hostname') or one['ip']}" for one in status.get("ingress") or []]
        ports = (service.get("spec") or {}).get("ports") or []
        return urls + [f"http://NODE:{one['nodePort']}" for one in ports if one.get("nodePort")]


def _deployment(pod: ServingPod, current: Object | None) -> Object:
    template = pod_spec(pod, Deployment.container)
    labels = {**pod.labels, **selector(pod.spec), VERSION: version_of(template, pod.image)}
    spec: Object = {
        "selector": {"matchLabels": selector(pod.spec)},
        "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 0, "maxSurge": "25%"}},
        "progressDeadlineSeconds": pod.spec.load_within + _STARTUP_SECONDS,
        "revisionHistoryLimit": 3,
        "template": {"metadata": {"labels": labels, "annotations": dict(pod.spec.annotations)}, "spec": template},
    }
    replicas = _replicas(pod, current)
    if replicas is not None:
        spec["replicas"] = replicas
    return {**_head(pod, DEPLOYMENT.api_version, DEPLOYMENT.kind), "spec": spec}


def _replicas(pod: ServingPod, current: Object | None) -> int | None:
    """The number of replicas to apply; None if the autoscaler owns the field.

    As long as we own the field, omitting it would reset it to 1.
    """
    scaling = pod.spec.autoscaling
    if scaling is None:
        return pod.spec.replicas
    if current is None:
        return scaling.least
    if not owns(current, *_REPLICAS):
        return None
    return min(max(int(current["spec"]["replicas"]), scaling.least), scaling.most)


def _service(pod: ServingPod) -> Object:
    port = {"name": "http", "port": _SERVICE_PORT, "targetPort": PORT, "protocol": "TCP"}
    spec = {"type": pod.spec.service, "selector": selector(pod.spec), "ports": [port]}
    return {**_head(pod, SERVICE.api_version, SERVICE.kind), "spec": spec}


def _ingress(pod: ServingPod) -> Object:
    options = pod.spec
    backend = {"service": {"name": pod.name, "port": {"name": "http"}}}
    path = {"path": "/", "pathType": "Prefix", "backend": backend}
    spec: Object = {"rules": [{"host": options.host, "http": {"paths": [path]}}]}
    if options.ingress_class:
        spec["ingressClassName"] = options.ingress_class
    return {**_head(pod, INGRESS.api_version, INGRESS.kind), "spec": spec}


def _route(pod: ServingPod) -> Object:
    """Source: https://gateway-api.sigs.k8s.io/api-types/httproute/."""
    namespace, _, name = pod.spec.gateway.partition("/")
    gateway = {"group": _GATEWAYS, "kind": "Gateway", "namespace": namespace, "name": name}
    backend = {"name": pod.name, "port": _SERVICE_PORT}
    spec = {"parentRefs": [gateway], "hostnames": [pod.spec.host], "rules": [{"backendRefs": [backend]}]}
    return {**_head(pod, *_ROUTE), "spec": spec}


def _autoscaler(pod: ServingPod, scaling: Autoscaling) -> Object:
    target = {"type": "Utilization", "averageUtilization": scaling.cpu}
    spec = {
        "scaleTargetRef": {"apiVersion": DEPLOYMENT.api_version, "kind": DEPLOYMENT.kind, "name": pod.name},
        "minReplicas": scaling.least,
        "maxReplicas": scaling.most,
        "metrics": [{"type": "Resource", "resource": {"name": "cpu", "target": target}}],
    }
    return {**_head(pod, AUTOSCALER.api_version, AUTOSCALER.kind), "spec": spec}


def _head(pod: ServingPod, api_version: str, kind: str) -> Object:
    metadata: Object = {"name": pod.name, "labels": pod.labels}
    if pod.spec.annotations:
        metadata["annotations"] = dict(pod.spec.annotations)
    return {"apiVersion": api_version, "kind": kind, "metadata": metadata}


BACKEND = Deployment()
