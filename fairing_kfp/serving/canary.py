"""Canaries in KServe's Standard mode: a second predictor beside the one that serves, with a share of the requests.

Source: https://github.com/kserve/kserve/pull/5672
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from typing import Any

from fairing_kfp.cluster.client import Object
from fairing_kfp.cluster.managed_fields import last_applied
from fairing_kfp.errors import ConfigError
from fairing_kfp.serving.pod import VERSION

NAME = "canary"
"""Name of the second predictor; its Deployment is NAME-canary-predictor."""

_REPLICAS = ("minReplicas", "maxReplicas", "scaleMetric", "scaleTarget")  # KServe derives the number from the share
NOT_IN_PODS = ("labels", "annotations", "deploymentStrategy", *_REPLICAS)
"""Fields of a predictor that are not of its pods' content."""


def with_canary(manifest: Object, current: Object | None, percent: int) -> Object:
    """The InferenceService that is served now, with a new version as its canary.

    Args:
        manifest: the InferenceService that serves only the new version.
        current: the InferenceService as it is in the cluster, if it exists.
        percent: percentage of requests for the new version.

    Returns:
        The manifest as given, if there is no other version that can serve the rest of the requests.

    Raises:
        ConfigError: KServe cannot run both versions side by side.
    """
    stable = last_applied(current) if current else None
    if stable is None or _version(stable) == _version(manifest):
        return manifest
    old, new = stable["spec"]["predictor"], copy.deepcopy(manifest["spec"]["predictor"])
    name = manifest["metadata"]["name"]
    if "model" not in old:
        raise ConfigError(
            f"{name} is served by an image of its own, and KServe has canaries only for models that it loads itself",
            "leave out canary= once",
        )
    inherited = next(_missing(old, new), "")
    if inherited:
        raise ConfigError(
            f"the canary of {name} would inherit {inherited} from the version that is served now",
            "set it in the new version too, or leave out canary= once",
        )
    canary = {key: value for key, value in new.items() if key not in _REPLICAS}
    stable["spec"] = {"predictor": old, "canary": [{"trafficPercent": percent, "predictor": {**canary, "name": NAME}}]}
    return stable


def canary_of(manifest: Object) -> Object | None:
    """The canary of an InferenceService: `trafficPercent` and `predictor`; None if it has none."""
    return next(iter(manifest["spec"].get("canary") or []), None)


def without_canary(manifest: Object) -> Object:
    """The InferenceService whose first predictor gets all requests."""
    return {**manifest, "spec": {key: value for key, value in manifest["spec"].items() if key != "canary"}}


def with_canary_alone(manifest: Object, state: Object) -> Object:
    """The InferenceService whose canary gets all requests, with as many pods as the version before it had.

    Args:
        manifest: the InferenceService as it was applied.
        state: the InferenceService as it is in the cluster, with defaults.
    """
    (canary,) = manifest["spec"]["canary"]
    stable = manifest["spec"]["predictor"]
    replicas = {key: stable[key] for key in _REPLICAS if key in stable}
    new = _without_defaults(canary["predictor"], state["spec"]["predictor"], stable)
    del new["name"]
    return {**manifest, "spec": {"predictor": {**new, **replicas}}}


def canary_status(state: Object) -> Object:
    """The status that KServe reports of a canary; empty until it does."""
    reported = (state.get("status") or {}).get("canaryStatuses") or []
    return next((one for one in reported if one.get("name") == NAME), {})


def _without_defaults(new: Mapping[str, Any], current: Mapping[str, Any], applied: Mapping[str, Any]) -> dict[str, Any]:
    """A copy of a canary's fields without those that KServe set, as it did in the version before it.

    Canaries are a list, of which Kubernetes does not record who set which field.
    """
    kept: dict[str, Any] = {}
    for key, value in new.items():
        now, ours = current.get(key), applied.get(key)
        if isinstance(value, Mapping) and isinstance(now, Mapping) and isinstance(ours, Mapping):
            kept[key] = _without_defaults(value, now, ours)
        elif key in applied or current.get(key) != value:
            kept[key] = copy.deepcopy(value)
    return kept


def _version(manifest: Object) -> Any:
    return (manifest["spec"]["predictor"].get("labels") or {}).get(VERSION)


def _missing(old: Mapping[str, Any], new: Mapping[str, Any], place: str = "") -> Iterator[str]:
    """The fields that only the old predictor sets: KServe merges the new one into it."""
    for key, value in old.items():
        if not place and key in NOT_IN_PODS:
            continue
        if key not in new:
            yield f"{place}{key}"
        elif isinstance(value, Mapping) and isinstance(new[key], Mapping):
            yield from _missing(value, new[key], f"{place}{key}.")
