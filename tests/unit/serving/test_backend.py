"""Backends by target, and the status of their objects."""

from __future__ import annotations

from typing import Any, get_args

import pytest

from fairing_kfp.cluster.objects import condition
from fairing_kfp.serving.backend import backend, has_version, is_observed, is_pod_ready, resource
from fairing_kfp.serving.pod import VERSION
from fairing_kfp.serving.spec import ServingSpec, Target


@pytest.mark.parametrize("target", get_args(Target))
def test_each_target_has_a_backend(target: Target) -> None:
    assert resource(ServingSpec("digits", target=target)) == f"{backend(target).kind} digits"


def test_status_of_an_object() -> None:
    state: dict[str, Any] = {"metadata": {"generation": 2}, "status": {"observedGeneration": 1}}
    assert not is_observed(state)
    assert condition(state, "Ready") == {}
    state["status"] = {"observedGeneration": 2, "conditions": [{"type": "Ready", "status": "False"}]}
    assert is_observed(state)
    assert condition(state, "Ready")["status"] == "False"


def test_a_pod_that_ends_is_not_ready() -> None:
    pod: dict[str, Any] = {"metadata": {"labels": {VERSION: "1"}}, "status": {}}
    assert not is_pod_ready(pod)
    pod["status"]["conditions"] = [{"type": "Ready", "status": "True"}]
    assert is_pod_ready(pod)
    pod["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    assert not is_pod_ready(pod)
    assert has_version(pod, "1")
    assert not has_version(pod, "2")
