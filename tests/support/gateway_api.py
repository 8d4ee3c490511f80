"""The kind HTTPRoute of the Gateway API, without a controller."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

_NAME = "httproutes.gateway.networking.k8s.io"


def _object(required: list[str], **fields: Any) -> dict[str, Any]:
    return {"type": "object", "required": required, "properties": fields}


def _definition() -> dict[str, Any]:
    text, atomic = {"type": "string"}, {"type": "array", "x-kubernetes-list-type": "atomic"}
    port = {"type": "integer", "minimum": 1, "maximum": 65535}
    parent = _object(
        ["name"], group=text, kind={**text, "default": "Gateway"}, namespace=text, name=text, sectionName=text
    )
    target = _object(["name"], name=text, port=port, weight={"type": "integer", "default": 1})
    rule = _object([], backendRefs={**atomic, "items": target})
    spec = _object(
        [],
        parentRefs={**atomic, "items": parent},
        hostnames={**atomic, "items": text},
        rules={**atomic, "items": rule},
    )
    schema = {"openAPIV3Schema": _object(["spec"], spec=spec)}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {
            "name": _NAME,
            # Kubernetes protects its own groups unless a definition names its approval.
            "annotations": {"api-approved.kubernetes.io": "unapproved, for tests"},
        },
        "spec": {
            "group": "gateway.networking.k8s.io",
            "names": {"kind": "HTTPRoute", "listKind": "HTTPRouteList", "plural": "httproutes"},
            "scope": "Namespaced",
            "versions": [{"name": "v1", "served": True, "storage": True, "schema": schema}],
        },
    }


def install_gateway_api(kubectl: Callable[..., str], folder: Path) -> None:
    """Installs the kind, unless the cluster has it. It stays, since other tests may use it at the same time."""
    if not kubectl("get", "crd", _NAME, "--ignore-not-found", "-o", "name").strip():
        path = folder / "httproutes.json"
        path.write_text(json.dumps(_definition()))
        kubectl("apply", "-f", str(path))
    kubectl("wait", "--for=condition=Established", f"crd/{_NAME}", "--timeout=30s")
