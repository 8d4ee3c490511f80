from __future__ import annotations

from typing import Any

from fairing_kfp.cluster.applied import applied, owns


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


def test_what_others_set_is_left_out_and_present_values_hold() -> None:
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

    assert applied(state) == {
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


def test_what_is_gone_meanwhile_is_left_out() -> None:
    assert applied(found(FIELDS, spec={"template": {"spec": {"containers": []}}}))["spec"] == {  # type: ignore[index]
        "template": {"spec": {"containers": []}}
    }


def test_what_was_never_applied_is_nothing() -> None:
    state = found(FIELDS, spec={})
    state["metadata"]["managedFields"].pop()

    assert applied(state) is None
    assert not owns(state, "f:spec")


def test_owns_a_field_or_not() -> None:
    state = found(FIELDS, spec={})

    assert owns(state, "f:spec", "f:replicas")
    assert not owns(state, "f:spec", "f:paused")
    assert not owns(state, "f:spec", "f:replicas", "f:more")
