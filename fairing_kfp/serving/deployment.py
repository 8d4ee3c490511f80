"""A Deployment and its Service, with an Ingress and a HorizontalPodAutoscaler where they are wanted.

Source: https://kubernetes.io/docs/concepts/workloads/controllers/deployment/
"""

from __future__ import annotations

import copy
from collections.abc import Sequence

from fairing_kfp.cluster.applied import owns
from fairing_kfp.cluster.apply import find
from fairing_kfp.cluster.client import Cluster, Object
from fairing_kfp.cluster.kinds import DEPLOYMENT, SERVICE, Kind
from fairing_kfp.serving.order import Autoscaling, Order
from fairing_kfp.serving.served import PORT, VERSION, Served, chosen, pod_spec, version_of, with_image
from fairing_kfp.serving.target import condition, is_observed

INGRESS = Kind("networking.k8s.io/v1", "Ingress", "ingresses")
AUTOSCALER = Kind("autoscaling/v2", "HorizontalPodAutoscaler", "horizontalpodautoscalers")

_REPLICAS = ("f:spec", "f:replicas")
_SLACK = 60  # seconds in which a pod is placed and its image pulled, beside the time that its model may take


class Deployment:
    """A Deployment: a version replaces another pod by pod, each of which serves before another ends."""

    feature = "deployment"
    container = "predictor"

    def kinds(self, cluster: Cluster) -> tuple[Kind, ...]:
        """Those that every cluster has; see `Target`."""
        return (DEPLOYMENT, SERVICE, INGRESS, AUTOSCALER)

    def manifests(self, served: Served, before: Object | None) -> list[Object]:
        """See `Target`."""
        made = [_deployment(served, before), _service(served)]
        if served.order.host:
            made.append(_ingress(served))
        if served.order.autoscaling:
            made.append(_autoscaler(served, served.order.autoscaling))
        return made

    def template(self, manifest: Object) -> Object:
        """See `Target`."""
        return dict(manifest["spec"]["template"])

    def with_image(self, manifest: Object, image: str) -> Object:
        """See `Target`."""
        changed = copy.deepcopy(manifest)
        template = changed["spec"]["template"]
        template["spec"]["containers"][0]["image"] = image
        labels = template["metadata"]["labels"]
        labels[VERSION] = with_image(labels[VERSION], image)
        return changed

    def arrived(self, state: Object, pods: Sequence[Object]) -> bool:
        """As `kubectl rollout status` sees it; see `Target`."""
        status, wanted = state.get("status") or {}, state["spec"]["replicas"]
        counts = {status.get(key, 0) for key in ("updatedReplicas", "replicas", "availableReplicas")}
        return is_observed(state) and counts == {wanted}

    def failure(self, state: Object) -> str:
        """See `Target`."""
        if not is_observed(state):
            return ""
        refused = condition(state, "ReplicaFailure")
        if refused.get("status") == "True":
            return f"its pods are refused: {refused.get('message', '')}"
        progressing = condition(state, "Progressing")
        if progressing.get("reason") == "ProgressDeadlineExceeded":
            return f"it made no progress in {state['spec'].get('progressDeadlineSeconds')} seconds"
        return ""

    def endpoint(self, state: Object) -> str:
        """By the name of its Service, which is its own; see `Target`."""
        return f"http://{state['metadata']['name']}.{state['metadata']['namespace']}.svc"

    def outside(self, cluster: Cluster, state: Object, order: Order) -> list[str]:
        """By its Ingress, its load balancer, or a port of the nodes; see `Target`."""
        metadata = state["metadata"]
        urls = [f"http://{order.host}"] if order.host else []
        service = find(cluster, SERVICE, metadata["name"], metadata["namespace"]) or {}
        status = (service.get("status") or {}).get("loadBalancer") or {}
        urls += [f"http://{one.get('hostname') or one['ip']}" for one in status.get("ingress") or []]
        ports = (service.get("spec") or {}).get("ports") or []
        return urls + [f"http://NODE:{one['nodePort']}" for one in ports if one.get("nodePort")]


def _deployment(served: Served, before: Object | None) -> Object:
    pod = pod_spec(served, Deployment.container)
    labels = {**served.labels, **chosen(served.order), VERSION: version_of(pod, served.image)}
    spec: Object = {
        "selector": {"matchLabels": chosen(served.order)},
        "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 0, "maxSurge": "25%"}},
        "progressDeadlineSeconds": served.order.load_within + _SLACK,
        "revisionHistoryLimit": 3,
        "template": {"metadata": {"labels": labels, "annotations": dict(served.order.annotations)}, "spec": pod},
    }
    replicas = _replicas(served, before)
    if replicas is not None:
        spec["replicas"] = replicas
    return {**_head(served, DEPLOYMENT), "spec": spec}


def _replicas(served: Served, before: Object | None) -> int | None:
    """How many pods we ask for; None where the autoscaler decides.

    As long as the field is ours, leaving it out would bring it back to 1.
    """
    scaling = served.order.autoscaling
    if scaling is None:
        return served.order.replicas
    if before is None:
        return scaling.least
    if not owns(before, *_REPLICAS):
        return None
    return min(max(int(before["spec"]["replicas"]), scaling.least), scaling.most)


def _service(served: Served) -> Object:
    port = {"name": "http", "port": 80, "targetPort": PORT, "protocol": "TCP"}
    spec = {"type": served.order.service, "selector": chosen(served.order), "ports": [port]}
    return {**_head(served, SERVICE), "spec": spec}


def _ingress(served: Served) -> Object:
    order = served.order
    backend = {"service": {"name": served.name, "port": {"name": "http"}}}
    path = {"path": "/", "pathType": "Prefix", "backend": backend}
    spec: Object = {"rules": [{"host": order.host, "http": {"paths": [path]}}]}
    if order.ingress_class:
        spec["ingressClassName"] = order.ingress_class
    return {**_head(served, INGRESS), "spec": spec}


def _autoscaler(served: Served, scaling: Autoscaling) -> Object:
    target = {"type": "Utilization", "averageUtilization": scaling.cpu}
    spec = {
        "scaleTargetRef": {"apiVersion": DEPLOYMENT.api_version, "kind": DEPLOYMENT.kind, "name": served.name},
        "minReplicas": scaling.least,
        "maxReplicas": scaling.most,
        "metrics": [{"type": "Resource", "resource": {"name": "cpu", "target": target}}],
    }
    return {**_head(served, AUTOSCALER), "spec": spec}


def _head(served: Served, kind: Kind) -> Object:
    metadata: Object = {"name": served.name, "labels": served.labels}
    if served.order.annotations:
        metadata["annotations"] = dict(served.order.annotations)
    return {"apiVersion": kind.api_version, "kind": kind.kind, "metadata": metadata}


TARGET = Deployment()
