"""The spec of a serve step: which model to serve, under which name, on which backend, and how clients reach it.

The compiler writes it as JSON into the step's arguments.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal, get_args

from fairing_kfp.errors import ConfigError
from fairing_kfp.json_spec import JsonSpec
from fairing_kfp.serving.registration import Registration

Target = Literal["deployment", "kserve"]
"""A Deployment with a Service, or a KServe InferenceService. Each is a module of this folder; see `serving.backend`."""

Service = Literal["ClusterIP", "NodePort", "LoadBalancer"]
"""Type of a Deployment's Service: reached within the cluster, on a port of each node, or through a load balancer."""

Mode = Literal["Standard", "Knative"]
"""KServe's deployment mode: plain Kubernetes objects, or a Knative service."""

SERVE_COMMAND = ("python3", "-m", "fairing_kfp.serving")
"""Command of a serve step."""

CHECK = "--check"
"""Argument that makes the step check its specs without changing anything."""

_NAME = re.compile(r"[a-z](?:[-a-z0-9]{0,38}[a-z0-9])?")  # leaves room for `-predictor-`, suffixes and a namespace
_GATEWAY = re.compile(r"[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?/[a-z0-9](?:[-.a-z0-9]{0,251}[a-z0-9])?")
_HOST = re.compile(r"(?:\*\.)?[a-z0-9](?:[-a-z0-9.]{0,251}[a-z0-9])?")


@dataclass(frozen=True)
class Autoscaling:
    """Scales the number of pods with the load.

    Attributes:
        least: minimum number of pods; 0 needs KServe in Knative mode.
        most: maximum number of pods.
        cpu: target CPU utilization, in percent of the request.
    """

    least: int = 1
    most: int = 3
    cpu: int = 80

    def __post_init__(self) -> None:
        """Validates the numbers.

        Raises:
            ConfigError: a number is out of range.
        """
        if not (_whole(self.least, 0) and _whole(self.most, max(self.least, 1)) and _whole(self.cpu, 1)):
            raise ConfigError(
                f"Autoscaling(least={self.least!r}, most={self.most!r}, cpu={self.cpu!r}) is out of range",
                "use whole numbers, such as Autoscaling(least=1, most=4, cpu=80)",
            )


@dataclass(frozen=True)
class ServingSpec(JsonSpec):
    """What to serve, and how.

    Attributes:
        name: name of the model, its Deployment or InferenceService, and its Service.
        image: the predictor's image by digest, or its placeholder until the pipeline is compiled; empty for a model
            format.
        target: the backend.
        model_format: model format that a KServe runtime loads, such as `sklearn`.
        runtime: name of the KServe runtime; chosen by format if empty.
        storage: URI of the model, if it is not an artifact of the pipeline.
        repository: repository of the image with the model; the predictor's by default.
        replicas: number of pods.
        autoscaling: overrides `replicas`.
        pod: the author's mutators, applied to an empty pod spec with one container.
        labels: labels of the objects and pods, in addition to ours.
        annotations: annotations of the objects and pods.
        service: type of a Deployment's Service.
        host: host name of an Ingress or HTTPRoute; neither if empty.
        ingress_class: class of the Ingress; the cluster's default if empty.
        gateway: `NAMESPACE/NAME` of the Gateway of an HTTPRoute, which replaces the Ingress; no HTTPRoute if empty.
        load_within: time a pod may take to load the model, in seconds.
        workers: number of server processes in a pod, each with the model; only for predictors, as the next two.
        max_batch: maximum number of instances in one call of `predict` for several requests; 1 disables batching.
        max_wait: how long a batch waits for further requests, in seconds.
        canary: percentage of requests sent to the new version; KServe only.
        mode: KServe's deployment mode.
        sample: sample request, as JSON; None sends no request.
        registry_secret: Secret with registry credentials, for the step and the pods.
        register: entry in the Model Registry; None writes none.
        insecure: registries reached over plain HTTP.
        ca: extra CA certificates (PEM).
    """

    _step: ClassVar[str] = "serve"
    _omits_defaults: ClassVar[bool] = True

    name: str
    image: str = ""
    target: Target = "deployment"
    model_format: str = ""
    runtime: str = ""
    storage: str = ""
    repository: str = ""
    replicas: int = 1
    autoscaling: Autoscaling | None = None
    pod: Mapping[str, Any] = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)
    service: Service = "ClusterIP"
    host: str = ""
    ingress_class: str = ""
    gateway: str = ""
    load_within: int = 600
    workers: int = 1
    max_batch: int = 1
    max_wait: float = 0.005
    canary: int | None = None
    mode: Mode = "Standard"
    sample: Any = None
    registry_secret: str = ""
    register: Registration | None = None
    insecure: tuple[str, ...] = ()
    ca: str = ""

    def __post_init__(self) -> None:
        """Validates the options.

        Raises:
            ConfigError: an option is invalid, or two options contradict each other.
        """
        if not isinstance(self.name, str) or not _NAME.fullmatch(self.name):
            raise ConfigError(
                f"serve(name={self.name!r}) is not a valid name of a Service",
                "use at most 40 lowercase letters, digits and dashes, a letter first; "
                "the output of a task cannot be a name",
            )
        for option, choices in (("target", Target), ("service", Service), ("mode", Mode)):
            value = getattr(self, option)
            if value not in get_args(choices):
                raise self._error(f"{option}={value!r} is not supported", f"use one of {', '.join(get_args(choices))}")
        for option in ("replicas", "load_within", "workers", "max_batch"):
            value = getattr(self, option)
            if not _whole(value, 1):
                raise self._error(f"{option}={value!r} is not a positive whole number", "use 1 or more")
        if self.host and not _HOST.fullmatch(self.host):
            raise self._error(f"host={self.host!r} is not a host name", "use a name such as digits.example.com")
        if self.register is not None and not isinstance(self.register, Registration):
            raise self._error(f"register={self.register!r} is not supported", 'use a name, or Registration("NAME", …)')
        self._check_server()
        self._check_gateway()
        self._check_kserve()

    def _check_server(self) -> None:
        options = ("workers", "max_batch", "max_wait")
        changed = [option for option in options if getattr(self, option) != getattr(type(self), option)]
        if changed and self.model_format:
            raise self._error(
                f"{changed[0]}={getattr(self, changed[0])!r} is supported only for predictors",
                "configure the KServe runtime that loads the model",
            )
        if type(self.max_wait) not in (int, float) or not 0 <= self.max_wait < float("inf"):
            raise self._error(f"max_wait={self.max_wait!r} is not a time in seconds", "use a number such as 0.01")
        if "max_wait" in changed and self.max_batch == 1:
            raise self._error(f"max_wait={self.max_wait!r} needs max_batch=", "set max_batch= to 2 or more")

    def _check_gateway(self) -> None:
        if not self.gateway:
            return
        if not isinstance(self.gateway, str) or not _GATEWAY.fullmatch(self.gateway):
            raise self._error(
                f"gateway={self.gateway!r} is not a Gateway", "use its namespace and name, such as infra/public"
            )
        if not self.host or self.ingress_class:
            raise self._error(
                f"gateway={self.gateway!r} needs host=" if not self.host else "gateway= contradicts ingress_class=",
                "set host= with either gateway= for an HTTPRoute, or ingress_class= for an Ingress",
            )

    def _check_kserve(self) -> None:
        knative = self.target == "kserve" and self.mode == "Knative"
        if self.target == "deployment":
            for option in ("model_format", "runtime", "storage"):
                if value := getattr(self, option):
                    raise self._error(f"{option}={value!r} is supported only by KServe", 'set target="kserve"')
        elif self.service != "ClusterIP" or self.host:
            raise self._error(
                'service= and host= are not supported with target="kserve"',
                "configure Services and Ingresses in KServe",
            )
        if self.canary is not None:
            self._check_canary(self.canary, knative=knative)
        if self.autoscaling and self.autoscaling.least == 0 and not knative:
            raise self._error(
                "autoscaling to 0 pods is not supported",
                'set target="kserve" and mode="Knative"; only Knative starts pods on request',
            )

    def _check_canary(self, canary: int, *, knative: bool) -> None:
        if self.target != "kserve":
            raise self._error(
                f"canary={canary!r} is not supported", 'set target="kserve"; a Deployment does not split requests'
            )
        if not knative and not self.model_format:
            raise self._error(
                f'canary={canary!r} is not supported for a predictor in mode="Standard"',
                'set mode="Knative", or use serve_model; in Standard mode, '
                "KServe has canaries only for models that it loads itself",
            )
        least, most = (0, 100) if knative else (1, 99)
        if not (_whole(canary, least) and canary <= most):
            raise self._error(
                f"canary={canary!r} is not a percentage from {least} to {most}",
                "use a whole number, or leave out canary= for all requests",
            )

    @property
    def least(self) -> int:
        """The minimum number of pods."""
        return self.autoscaling.least if self.autoscaling else self.replicas

    @classmethod
    def _from_json(cls, values: Mapping[str, Any]) -> Mapping[str, Any]:
        scaling = values.get("autoscaling")
        return {
            **values,
            "insecure": tuple(values.get("insecure", ())),
            "autoscaling": Autoscaling(**scaling) if scaling else None,
            "register": Registration(**values["register"]) if values.get("register") else None,
        }

    def _error(self, message: str, remedy: str) -> ConfigError:
        return ConfigError(f"serve(name={self.name!r}): {message}", remedy)


def _whole(value: object, least: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= least
