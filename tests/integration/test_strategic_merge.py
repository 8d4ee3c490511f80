"""Pod specifications merged as kubectl merges a strategic merge patch, with the documented exceptions."""

from __future__ import annotations

import json
import subprocess
from typing import Any

import pytest

from fairing_kfp.cluster.strategic_merge import merge
from tests.support.services import require_program

KEYS = ("containers", "initContainers", "volumes", "env", "volumeMounts", "ports", "imagePullSecrets")
VARIABLES = [{"name": "A", "value": "1"}, {"name": "C", "value": "1"}]
MAIN = {"name": "main", "image": "i", "command": ["a"], "env": VARIABLES}
OURS: dict[str, Any] = {
    "containers": [MAIN],
    "nodeSelector": {"a": "1"},
    "volumes": [{"name": "v", "emptyDir": {}}],
    "imagePullSecrets": [{"name": "s"}],
}
CASES: list[tuple[dict[str, Any], dict[str, Any]]] = [
    (OURS, {}),
    (OURS, {"containers": [{"name": "main", "command": ["b", "c"], "args": ["d"]}]}),
    (OURS, {"containers": [{"name": "main", "env": [{"name": "A", "value": "2"}, {"name": "B", "value": "3"}]}]}),
    (OURS, {"containers": [{"name": "side", "image": "j"}], "initContainers": [{"name": "first", "image": "k"}]}),
    (OURS, {"nodeSelector": {"a": "2", "b": "3"}, "serviceAccountName": "robot"}),
    (OURS, {"volumes": [{"name": "w", "secret": {"secretName": "w"}}], "imagePullSecrets": [{"name": "t"}]}),
    (
        {"containers": [MAIN | {"resources": {"limits": {"memory": "1Gi"}, "requests": {"cpu": "1"}}}]},
        {"containers": [{"name": "main", "resources": {"limits": {"memory": "2Gi", "nvidia.com/gpu": "1"}}}]},
    ),
    (
        {"containers": [MAIN | {"volumeMounts": [{"name": "v", "mountPath": "/a"}]}]},
        {
            "containers": [
                {
                    "name": "main",
                    "volumeMounts": [{"name": "v", "mountPath": "/b"}, {"name": "w", "mountPath": "/a"}],
                    "ports": [{"containerPort": 1}],
                }
            ]
        },
    ),
    (
        {"containers": [MAIN], "affinity": {"nodeAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": []}}},
        {"affinity": {"podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": []}}},
    ),
]


@pytest.mark.parametrize(("below", "above"), CASES)
def test_merges_as_kubectl_does(below: dict[str, Any], above: dict[str, Any]) -> None:
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a"}, "spec": below}
    command = [require_program("kubectl"), "patch", "--local", "-f", "-", "--type=strategic", "-o", "json"]
    done = subprocess.run(
        [*command, "-p", json.dumps({"spec": above})], input=json.dumps(pod), capture_output=True, text=True, check=True
    )
    assert by_name(merge(below, above)) == by_name(without_defaults(json.loads(done.stdout)["spec"]))


def by_name(value: Any) -> Any:
    """Lists of named items as mappings, since kubectl orders them differently."""
    if isinstance(value, dict):
        return {
            key: {json.dumps(item, sort_keys=True): None for item in map(by_name, inner)}
            if key in KEYS
            else by_name(inner)
            for key, inner in value.items()
        }
    return value


def without_defaults(value: Any) -> Any:
    """The value without the empty fields that kubectl adds to known objects."""
    if isinstance(value, dict):
        return {key: without_defaults(inner) for key, inner in value.items() if (key, inner) != ("resources", {})}
    if isinstance(value, list):
        return [without_defaults(item) for item in value]
    return value
