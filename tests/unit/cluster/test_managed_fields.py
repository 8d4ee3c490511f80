from __future__ import annotations

from typing import Any

from fairing_kfp.cluster.managed_fields import last_applied, owns


def found(fields: dict[str, Any], **content: Any) -> dict[str, Any]:
    ours = {"manager": "fairing-kfp", "operation": "Apply", "fieldsV1": fields}
    status = {"manager": "fairing-kfp", "operation": "Apply", "subresource": "status", "fieldsV1": {"f:status": {}}}
    other = {"manager": "hand", "operation": "Update", "fieldsV1": {"f:spec": {"f:paused": {}}}}
    metadata = {"name": "a", "namespace": "n", "uid": "u", "managedFields": [other, status, ours]}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata, "status": {"replicas": 1}, **content}


FIELDS = {
    "f:metadata": {"f:labels": {"f:ours": {}}},
    "f:spec": {
        "f:replicas": {},
        "f:template": {
            "f:spec": {
                "f:containers": {
                    'k:{"name":"main"}': {
                        ".": {},
                        "f:name": {},
                        "f:image": {},
                        "f:ports": {'k:{"containerPort":80,"protocol":"TCP"}': {".": {}, "f:containerPort": {}}},
                    }
                },
                "f:finalizers": {'v:"b"': {}},
                "f:list": {"i:1": {"f:a": {}}},
                "f:volumes": {},
            }
        },
    },
}


def test_fields_of_other_managers_are_omitted_and_values_are_current() -> None:
    container = {
        "name": "main",
        "image": "x",
        "imagePullPolicy": "Always",
        "ports": [{"containerPort": 80, "protocol": "TCP"}],
    }
    pod = {
        "containers": [{"name": "sidecar"}, container],
        "finalizers": ["a", "b"],
        "list": [{"a": 1}, {"a": 2, "b": 3}],
        "volumes": [{"name": "v"}],
        "dnsPolicy": "x",
    }
    state = found(FIELDS, spec={"replicas": 5, "paused": True, "template": {"spec": pod}})
    state["metadata"]["labels"] = {"ours": "1", "theirs": "2"}

    assert last_applied(state) == {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "a", "namespace": "n", "labels": {"ours": "1"}},
        "spec": {
            "replicas": 5,
            "template": {
                "spec": {
                    "containers": [{"name": "main", "image": "x", "ports": [{"containerPort": 80}]}],
                    "finalizers": ["b"],
                    "list": [{"a": 2}],
                    "volumes": [{"name": "v"}],
                }
            },
        },
    }


def test_removed_items_are_omitted() -> None:
    assert last_applied(found(FIELDS, spec={"template": {"spec": {"containers": []}}}))["spec"] == {  # type: ignore[index]
        "template": {"spec": {"containers": []}}
    }


def test_object_that_was_never_applied_has_no_manifest() -> None:
    state = found(FIELDS, spec={})
    state["metadata"]["managedFields"].pop()

    assert last_applied(state) is None
    assert not owns(state, "f:spec")


def test_owns() -> None:
    state = found(FIELDS, spec={})

    assert owns(state, "f:spec", "f:replicas")
    assert not owns(state, "f:spec", "f:paused")
    assert not owns(state, "f:spec", "f:replicas", "f:more")
