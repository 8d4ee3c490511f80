"""The result of a serve step."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from fairing_kfp.serving.model_registry import Registered
from fairing_kfp.serving.sample import Exchange
from fairing_kfp.serving.spec import ServingSpec


@dataclass(frozen=True)
class ServeResult:
    """What a serve step did.

    Attributes:
        spec: the step's spec.
        namespace: namespace of the objects; empty in a local run.
        endpoint: URL within the cluster.
        image: image by digest; empty for a model format.
        new_endpoint: URL within the cluster of a canary alone, if it has one; otherwise empty or the endpoint.
        share: percentage of requests for the new version.
        external_urls: URLs from outside the cluster, as far as they are known.
        previous: image, or URI of a model that KServe loads, before the rollout; empty if there was none.
        changed: whether an object was changed.
        model: URI of the model; empty if there is none.
        size: size of the model, in bytes.
        registered: version in the Model Registry, if it was registered.
        exchange: the sample request and its response, if one was sent.
        seconds: names and durations of the step's phases, in seconds.
    """

    spec: ServingSpec
    namespace: str
    endpoint: str
    image: str
    new_endpoint: str = ""
    share: int = 100
    external_urls: Sequence[str] = ()
    previous: str = ""
    changed: bool = True
    model: str = ""
    size: int = 0
    registered: Registered | None = None
    exchange: Exchange | None = None
    seconds: Sequence[tuple[str, float]] = ()
