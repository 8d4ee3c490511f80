"""What components share that serve models, or change what is served."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from fairing_kfp.cluster.client import Cluster
from fairing_kfp.cluster.mutators import Mutator, composed, environment, gpu, resources, service_account
from fairing_kfp.components.declaration import Input, Output, StepInputs, StepResult
from fairing_kfp.components.registries import CA, INSECURE, certificates
from fairing_kfp.errors import ConfigError
from fairing_kfp.serving.report import report, verdict
from fairing_kfp.serving.result import ServeResult
from fairing_kfp.serving.rollout import RolloutResult
from fairing_kfp.serving.served import ServedModel, connect
from fairing_kfp.serving.spec import Autoscaling, ServingSpec
from fairing_kfp.serving.step import serve

_SAME = (
    *("name", "image", "repository", "replicas", "load_within", "service", "host", "ingress_class", "gateway"),
    *("mode", "runtime", "registry_secret"),
)
"""Inputs that are fields of the spec."""

_NAMESPACE = re.compile(r"[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?")

NAME = Input("name", "str", "Name of the model, in URLs and in Kubernetes.")

NAMESPACE = Input("namespace", "str", "Namespace of the model; that of the run by default.", default="")

TARGET = Input("target", "str", "`deployment` or `kserve`; needed only if both serve that name.", default="")

IMAGE = Input("image", "str", "Image with a server on port 8080, such as the output of append-image.")

MODEL = Input("model", "artifact", "Model to add to the image, at the path `FAIRING_MODEL_PATH`.", optional=True)

REPOSITORY = Input("repository", "str", "Repository of the image with the model; the image's by default.", default="")

PODS = (
    Input("replicas", "int", "Number of pods.", default=1),
    Input("max_replicas", "int", "More than `replicas`, to scale up to that many pods with the CPU load.", default=0),
    Input("cpu", "str", "CPU that a pod requests, such as `500m`.", default=""),
    Input("memory", "str", "Memory that a pod requests, and its limit, such as `2Gi`.", default=""),
    Input("gpu", "int", "NVIDIA GPUs of a pod.", default=0),
    Input("env", "dict", "Environment variables of the server, in plain text.", default={}),
    Input("labels", "dict", "Labels of the objects and pods.", default={}),
    Input("annotations", "dict", "Annotations of the objects and pods.", default={}),
    Input("service_account", "str", "Service account of the pods; the namespace's default if empty.", default=""),
    Input("load_within", "int", "Time a pod may take to load the model, in seconds.", default=600),
)

PULL_SECRET = Input("registry_secret", "str", "Secret with which the pods pull the image.", default="")

SAMPLE = (
    Input("sample", "list", "Instances of a request that is sent once the model is ready.", default=[]),
    Input("sample_request", "dict", "A whole request instead, such as `{\"inputs\": […]}`.", default={}),
)  # fmt: skip

REGISTRY = (PULL_SECRET, INSECURE, CA)

MODE = Input("mode", "str", "Deployment mode of KServe: `Standard` or `Knative`.", default="Standard")

CANARY = Input("canary", "int", "Percentage of requests for the new version; 0 for all of them.", default=0)

ENDPOINTS = (
    Output("endpoint", "str", "URL within the cluster."),
    Output("url", "str", "URL from outside the cluster; empty if there is none."),
)

NEW_ENDPOINT = Output("new_endpoint", "str", "URL within the cluster of a canary alone; otherwise the endpoint.")

PREVIOUS = Output("previous", "str", "What was served before, for the component rollback; empty if there was nothing.")

METRICS = Output("metrics", "metrics", "Durations in seconds, and the share of requests in percent.")

ROLLOUT = (
    "\n\nThe step ends when the new version gets its requests. A version that does not become ready, or answers the "
    "sample request with an error, is rolled back, or deleted if it is the first, and the step fails with the "
    "cause: the error of the server, a killed container, an image that cannot be pulled, a quota. Objects of earlier "
    "versions that the new one does not have are deleted. The objects have the labels "
    "`app.kubernetes.io/managed-by: fairing-kfp` and `fairing-kfp/serves: NAME`; an object of that name without them "
    "is never changed."
)

UNCACHED = (
    "\n\nCall `set_caching_options(False)` on the task, since the cluster may have changed since an earlier run; with "
    "`fairing_kfp.components`, that is the default. "
)

CHANGED = (
    Output("endpoint", "str", "URL within the cluster."),
    Output("served", "str", "Image by digest, or URI of the model, that gets all requests."),
    Output("metrics", "metrics", "Duration in seconds."),
)

OURS = (
    "Objects that fairing-kfp did not make are never changed: a name whose objects lack the labels "
    "`app.kubernetes.io/managed-by: fairing-kfp` and `fairing-kfp/serves: NAME` fails the step."
)

EITHER = (
    "The step's service account needs the role in `components/rbac/deployment.yaml` or `kserve.yaml`, in the model's "
    "namespace."
)

KUBERNETES, KSERVE = "Kubernetes >= 1.30", "KServe >= 0.15"
"""The external services, in metadata."""


def role(feature: str) -> str:
    """The sentence that names the role of a step."""
    return f"The step's service account needs the role in `components/rbac/{feature}.yaml`, in the model's namespace."


def cluster_of(values: Mapping[str, Any]) -> Cluster:
    """The cluster of the step's pod, in the namespace of the input.

    Raises:
        ConfigError: the namespace is malformed.
        ClusterError: there is no cluster.
    """
    namespace = values["namespace"]
    if namespace and not _NAMESPACE.fullmatch(namespace):
        raise ConfigError(
            f"the input namespace is {namespace!r}, which is not a name of a namespace",
            "use lowercase letters, digits and dashes; leave it out for the namespace of the run",
        )
    return connect(namespace or None)


def sample_of(values: Mapping[str, Any]) -> Any:
    """The sample request of the inputs; None if there is none.

    Raises:
        ConfigError: both forms are given.
    """
    if values["sample"] and values["sample_request"]:
        raise ConfigError("the inputs sample and sample_request are both set", "set one of them")
    return values["sample"] or values["sample_request"] or None


def serving_spec(values: Mapping[str, Any], **more: Any) -> ServingSpec:
    """The serving spec of a component's inputs.

    Args:
        values: the inputs, of which some may be missing.
        more: further fields of the spec.

    Raises:
        ConfigError: an input is invalid, or two inputs contradict each other.
    """
    given = {name: values[name] for name in _SAME if name in values}
    for name in ("env", "labels", "annotations"):
        _check_texts(name, values[name])
    spec = ServingSpec(
        **given,
        pod=_pod(values),
        labels=values["labels"],
        annotations=values["annotations"],
        canary=values.get("canary") or None,
        sample=sample_of(values),
        insecure=tuple(values.get("insecure", ())),
        ca=certificates(values) if "ca" in values else "",
        **more,
    )
    largest = values["max_replicas"]
    if not largest or largest == spec.replicas:
        return spec
    return replace(spec, autoscaling=Autoscaling(spec.replicas, largest))


def run_serve(given: StepInputs, spec: ServingSpec) -> StepResult:
    """Serves, waits until the new version is ready, and makes the outputs.

    Raises:
        FairingError: the model cannot be served. The previous version keeps serving.
    """
    artifacts = {name: {"artifacts": [{"uri": uri}]} for name, uri in given.uris.items()}
    result = serve(spec, {"inputs": {"artifacts": artifacts}}, cluster_of(given.values), log=given.log)
    return StepResult(verdict(result), (), _outputs(spec, result), {"metrics": _metrics(result)}, report(result))


def changed_result(
    given: StepInputs, model: ServedModel, rolled_out: RolloutResult, verdict: str, seconds: float
) -> StepResult:
    """The result of a step that changed which version of a model is served.

    Args:
        given: the step's inputs.
        model: the model, before the change.
        rolled_out: the change.
        verdict: one sentence.
        seconds: duration of the change, in seconds.
    """
    state = rolled_out.state
    endpoint, served = model.backend.endpoint(state), model.content(state)
    metadata = state["metadata"]
    return StepResult(
        verdict if rolled_out.changed else f"{model.name} is unchanged: {served} got all requests before",
        (
            ("serves", served),
            ("before", model.content(model.state)),
            ("object", f"{model.resource} in the namespace {metadata['namespace']}"),
            ("endpoint", endpoint),
            ("duration", f"{seconds:.1f} s"),
        ),
        {"endpoint": endpoint, "served": served},
        {"metrics": {"rollout_seconds": round(seconds, 3)}},
    )


def _outputs(spec: ServingSpec, result: ServeResult) -> dict[str, str]:
    served = {"served_uri": result.model} if spec.model_format else {"served_image": result.image}
    return {
        "endpoint": result.endpoint,
        "new_endpoint": result.new_endpoint,
        "url": next(iter(result.external_urls), ""),
        **served,
        "previous": result.previous,
    }


def _metrics(result: ServeResult) -> dict[str, float]:
    scalars = {f"{name}_seconds": round(seconds, 3) for name, seconds in result.seconds}
    if result.exchange:
        scalars["sample_seconds"] = round(result.exchange.seconds, 3)
    return {**scalars, "share": result.share}


def _pod(values: Mapping[str, Any]) -> dict[str, Any]:
    mutators: list[Mutator] = [environment(values["env"])] if values["env"] else []
    if values["cpu"] or values["memory"]:
        mutators.append(resources(cpu=values["cpu"] or None, memory=values["memory"] or None))
    if values["gpu"]:
        mutators.append(gpu(values["gpu"]))
    if values["service_account"]:
        mutators.append(service_account(values["service_account"]))
    return composed(*mutators)({"containers": [{"name": "main"}]}) if mutators else {}


def _check_texts(name: str, given: Mapping[str, Any]) -> None:
    for key, value in given.items():
        if not isinstance(value, str):
            raise ConfigError(f"the input {name} sets {key} to {value!r}, which is not text", f'write it as "{value}"')
