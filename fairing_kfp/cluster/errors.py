"""Errors from the responses of Kubernetes. They name the field, the missing RBAC rule, or the missing component."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any

import urllib3

from fairing_kfp.cluster.rule import Rule, granting_role
from fairing_kfp.errors import (
    ClusterError,
    ForbiddenError,
    ForeignObjectError,
    InvalidObjectError,
    MissingObjectError,
)

Status = dict[str, Any]
"""A `Status` of Kubernetes: https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/status/"""

_DENIED = re.compile(
    r'User "(?P<user>[^"]*)" cannot (?P<verb>\S+) resource "(?P<resource>[^"]*)"'
    r' in API group "(?P<group>[^"]*)"(?: in the namespace "(?P<namespace>[^"]*)")?'
)
# Server-side apply answers 500 without a reason if it cannot parse the object.
_UNPARSABLE = re.compile(r"typed patch object|unable to convert|field not declared|proper version")
_CONVERSION = re.compile(r"^failed to \w[^()]*\([^)]*\)(?: to proper version)?: (?:unable to convert [^:]*: )?")
_QUANTITIES = ("quantities must match", "[KMGTPE]i")  # the API server's message, and the pattern of a CRD


def parse_status(response: urllib3.BaseHTTPResponse) -> Status:
    """The `Status` of a response; of a response without one, its text as the message."""
    data = response.data
    try:
        status = json.loads(data)
    except ValueError:
        status = None
    return status if isinstance(status, dict) else {"message": data.decode(errors="replace").strip()[:500]}


def is_transient(code: int, status: Status) -> bool:
    """Whether the same request may succeed later.

    Args:
        code: HTTP status code.
        status: status in the response.
    """
    if code == 500:
        return not _UNPARSABLE.search(status.get("message") or "")
    return code in (408, 429, 502, 503, 504)


def error_from_status(code: int, status: Status, *, request: str, server: str) -> ClusterError:
    """The error for a response.

    Args:
        code: HTTP status code.
        status: status in the response.
        request: the request, such as `GET /api/v1/pods`.
        server: URL of the API server.
    """
    message = status.get("message") or f"HTTP {code}"
    if code == 401:
        return ClusterError(
            f"the Kubernetes API server {server} rejects the token for {request}: {message}",
            "log in again, or check the service account of the pod",
            status=401,
        )
    if code == 403:
        return _forbidden(message)
    if code == 404:
        return MissingObjectError(f"{request}: {message}", "check the name and the namespace", status=404)
    if code == 409:
        conflict = "leave these fields to their manager, or take them over (force)"
        remedy = conflict if "Apply failed" in message else "choose another name, or find out who created it"
        return ForeignObjectError(_conflict(status, message), remedy, status=409)
    if code in (400, 422) or (code == 500 and _UNPARSABLE.search(message)):
        return _invalid(code, status, message)
    return ClusterError(f"{request}: Kubernetes answered {code}: {message}", "try again later", status=code)


def permission_error(user: str, namespace: str, missing: Sequence[Rule], role: str) -> ForbiddenError:
    """The error for missing permissions.

    Args:
        user: name of the user, as Kubernetes has it.
        namespace: namespace of the objects; empty for objects outside namespaces.
        missing: the missing rules.
        role: the role that grants them, as YAML.
    """
    permissions = "; ".join(f"{', '.join(rule.verbs)} {rule.name}" for rule in missing)
    return ForbiddenError(
        f"{user} may not {permissions}" + (f" in the namespace {namespace}" if namespace else ""),
        f"apply this role (kubectl apply -f), or ask the administrator of the cluster to:\n{role}",
        status=403,
    )


def _forbidden(message: str) -> ForbiddenError:
    denied = _DENIED.search(message)
    if not denied:
        # A quota or an admission policy.
        return ForbiddenError(
            f"Kubernetes does not admit the object: {message}",
            "request less, or ask the administrator of the cluster to change its quota or policy",
            status=403,
        )
    user, namespace = denied["user"], denied["namespace"] or ""
    rules = [Rule(denied["group"], denied["resource"], (denied["verb"],))]
    return permission_error(user, namespace, rules, granting_role(rules, user, namespace))


def _conflict(status: Status, message: str) -> str:
    causes = (status.get("details") or {}).get("causes") or []
    fields = "; ".join(f"{cause.get('field')}: {cause.get('message')}" for cause in causes)
    return f"{message.partition(': ')[0]}: {fields}" if fields else message


def _invalid(code: int, status: Status, message: str) -> InvalidObjectError:
    details = status.get("details") or {}
    fields = [f"{one['field']}: {one.get('message', '')}" for one in details.get("causes") or [] if one.get("field")]
    if fields:
        kind, name = details.get("kind") or "object", details.get("name") or ""
        text = f"Kubernetes rejects the {kind} {name}: " + "; ".join(fields)
    else:
        text = "Kubernetes rejects the object: " + _CONVERSION.sub("", message)
    if any(one in message for one in _QUANTITIES):
        remedy = "write quantities as 500m or 2 for cpu, 512Mi or 4G for memory"
    elif "unknown field" in message or "not declared" in message:
        remedy = "check the field's spelling and place, and that the installed version has it: kubectl explain"
    else:
        remedy = "correct the named field"
    return InvalidObjectError(text, remedy, status=code)
