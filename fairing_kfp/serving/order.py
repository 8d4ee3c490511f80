"""What a serve step is told to do: which predictor to serve, under which name, by what, and how it is reached.

It is made when the pipeline is, travels as JSON in the step's arguments, and is read in the step.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import MISSING, Field, asdict, dataclass, field, fields
from typing import Any, Literal, get_args

from fairing_kfp.errors import ConfigError

Target = Literal["deployment", "kserve"]
"""A Deployment with its Service; an InferenceService of KServe."""

Service = Literal["ClusterIP", "NodePort", "LoadBalancer"]
"""How a Deployment's Service is reached: within the cluster, at a port of every node, or by a load balancer."""

Mode = Literal["Standard", "Knative"]
"""How KServe deploys: by Kubernetes' own means, or by Knative."""

SHOWN = {"deployment": "Deployment", "kserve": "InferenceService"}
"""What Kubernetes calls the targets."""

_NAME = re.compile(r"[a-z](?:[-a-z0-9]{0,38}[a-z0-9])?")  # with `-predictor-`, two suffixes and a namespace behind it
_HOST = re.compile(r"(?:\*\.)?[a-z0-9](?:[-a-z0-9.]{0,251}[a-z0-9])?")


@dataclass(frozen=True)
class Autoscaling:
    """As many pods as there is work for.

    Attributes:
        least: the number of pods that are always there; 0 for a KServe in Knative mode alone.
        most: the number that there are at most.
        cpu: the use of the requested CPU, in percent, beyond which pods are added.
    """

    least: int = 1
    most: int = 3
    cpu: int = 80

    def __post_init__(self) -> None:
        """Refuses what no cluster could do.

        Raises:
            ConfigError: a number is out of its range.
        """
        if not (_whole(self.least, 0) and _whole(self.most, max(self.least, 1)) and _whole(self.cpu, 1)):
            raise ConfigError(
                f"autoscaling between {self.least!r} and {self.most!r} pods at {self.cpu!r} percent",
                "give whole numbers, such as Autoscaling(least=1, most=4, cpu=80)",
            )


@dataclass(frozen=True)
class Order:
    """What is to be served, and how.

    Attributes:
        name: of the served model, its Deployment or InferenceService, and its Service.
        image: the predictor's by digest, in the pipeline that is traced its placeholder; empty if a model format is
            served.
        target: by what it is served.
        model_format: the format of the model, which a runtime of KServe loads, such as `sklearn`.
        runtime: that runtime's name; KServe chooses by the format where it is empty.
        storage: the model's URI, where it is no artifact of the pipeline.
        python: the predictor's Python, major and minor.
        repository: where the image with the model goes; that of the predictor by default.
        replicas: the number of pods.
        autoscaling: instead, as many as there is work for.
        pod: what the author's mutators make of an empty pod specification with one container.
        labels: of what is made and its pods, beside ours.
        annotations: likewise.
        service: how a Deployment's Service is reached.
        host: the name that an Ingress answers to; no Ingress is made where it is empty.
        ingress_class: whose Ingress it is; the cluster's default where it is empty.
        load_within: seconds in which a pod must have loaded the model.
        canary: the percentage of requests that the new version gets; only with KServe in Knative mode.
        mode: how KServe deploys.
        sample: a request that is sent in the end, as JSON; None for none.
        registry_secret: a Secret with logins of registries; pods pull by it, too.
        insecure: registries that are spoken to over plain http.
        ca: authorities that are trusted besides the machine's, as PEM.
    """

    name: str
    image: str = ""
    target: Target = "deployment"
    model_format: str = ""
    runtime: str = ""
    storage: str = ""
    python: str = ""
    repository: str = ""
    replicas: int = 1
    autoscaling: Autoscaling | None = None
    pod: Mapping[str, Any] = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)
    service: Service = "ClusterIP"
    host: str = ""
    ingress_class: str = ""
    load_within: int = 600
    canary: int | None = None
    mode: Mode = "Standard"
    sample: Any = None
    registry_secret: str = ""
    insecure: tuple[str, ...] = ()
    ca: str = ""

    def __post_init__(self) -> None:
        """Refuses what no cluster could serve.

        Raises:
            ConfigError: a name, number or word is unusable, or two options contradict each other.
        """
        if not isinstance(self.name, str) or not _NAME.fullmatch(self.name):
            raise ConfigError(
                f"serve(name={self.name!r}) is no name of a Service",
                "use small letters, digits and dashes, a letter first, at most 40 characters; "
                "it is fixed when the pipeline is compiled",
            )
        for word, known in (("target", Target), ("service", Service), ("mode", Mode)):
            value = getattr(self, word)
            if value not in get_args(known):
                raise self._wrong(f"{word}={value!r}", f"use one of {', '.join(get_args(known))}")
        for number, least in (("replicas", 1), ("load_within", 1)):
            if not _whole(getattr(self, number), least):
                raise self._wrong(f"{number}={getattr(self, number)!r}", f"give a whole number from {least} on")
        if self.host and not _HOST.fullmatch(self.host):
            raise self._wrong(f"host={self.host!r}", "give a host name, such as digits.example.com")
        self._check_kserve()

    def _check_kserve(self) -> None:
        knative = self.target == "kserve" and self.mode == "Knative"
        if self.target == "deployment":
            for option in ("model_format", "runtime", "storage"):
                if getattr(self, option):
                    raise self._wrong(f"{option}={getattr(self, option)!r}", 'only KServe knows it: target="kserve"')
        elif self.service != "ClusterIP" or self.host:
            raise self._wrong("service= or host=", "KServe makes Services and Ingresses as it is configured to")
        if self.canary is not None and not (knative and _whole(self.canary, 0) and self.canary <= 100):
            raise self._wrong(
                f"canary={self.canary!r}",
                'give a percentage, with target="kserve" and mode="Knative": only Knative splits',
            )
        if self.autoscaling and self.autoscaling.least == 0 and not knative:
            raise self._wrong("autoscaling to 0 pods", 'only KServe in mode="Knative" starts pods when a request comes')

    @property
    def shown(self) -> str:
        """What it is, in a few words: `Deployment digits`."""
        return f"{SHOWN[self.target]} {self.name}"

    @property
    def least(self) -> int:
        """The number of pods that are always there."""
        return self.autoscaling.least if self.autoscaling else self.replicas

    def text(self) -> str:
        """The order as JSON, as far as it is not the usual one; the same order is the same text."""
        given = {one.name: asdict(self)[one.name] for one in fields(self) if getattr(self, one.name) != _usual(one)}
        # Argo and KFP would take two braces for a place to fill in; JSON has them within texts alone.
        return json.dumps(given, sort_keys=True, separators=(",", ":")).replace("{{", "{\\u007b")

    @classmethod
    def parse(cls, text: str) -> Order:
        """The order that `text` gave.

        Raises:
            ConfigError: it is none.
        """
        try:
            given = json.loads(text)
            given["insecure"] = tuple(given.get("insecure", ()))
            given["autoscaling"] = Autoscaling(**given["autoscaling"]) if given.get("autoscaling") else None
            return cls(**given)
        except (ValueError, TypeError, AttributeError) as error:
            raise ConfigError(
                f"the order of the serve step cannot be read: {error}", "compile the pipeline anew"
            ) from error

    def _wrong(self, what: str, remedy: str) -> ConfigError:
        return ConfigError(f"serve(name={self.name!r}): {what} does not fit", remedy)


def _usual(one: Field[Any]) -> Any:
    return one.default_factory() if one.default_factory is not MISSING else one.default


def _whole(value: object, least: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= least
