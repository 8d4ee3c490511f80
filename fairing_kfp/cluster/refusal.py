"""What Kubernetes refuses, as errors that name the field, the missing rule or what has to be installed."""

from __future__ import annotations

import json
import re
from typing import Any

import urllib3

from fairing_kfp.cluster.rule import Rule, missing_rule
from fairing_kfp.errors import (
    ClusterError,
    ForbiddenError,
    ForeignObjectError,
    InvalidObjectError,
    MissingObjectError,
)

Words = dict[str, Any]
"""A `Status` of Kubernetes: https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/status/"""

_DENIED = re.compile(
    r'User "(?P<user>[^"]*)" cannot (?P<verb>\S+) resource "(?P<resource>[^"]*)"'
    r' in API group "(?P<group>[^"]*)"(?: in the namespace "(?P<namespace>[^"]*)")?'
)
# Server-side apply answers 500 to what it cannot read, without a reason.
_UNREADABLE = re.compile(r"typed patch object|unable to convert|field not declared|proper version")
_CONVERTED = re.compile(r"^failed to \w[^()]*\([^)]*\)(?: to proper version)?: (?:unable to convert [^:]*: )?")
_QUANTITIES = ("quantities must match", "[KMGTPE]i")  # in the server's own words, and by the pattern of a definition


def words_of(response: urllib3.BaseHTTPResponse) -> Words:
    """What an answer says: its `Status`, or its text as the message of one."""
    data = response.data
    try:
        words = json.loads(data)
    except ValueError:
        words = None
    return words if isinstance(words, dict) else {"message": data.decode(errors="replace").strip()[:500]}


def is_transient(status: int, words: Words) -> bool:
    """Whether the same request may succeed later."""
    if status == 500:
        return not _UNREADABLE.search(words.get("message") or "")
    return status in (408, 429, 502, 503, 504)


def refusal(status: int, words: Words, *, what: str, server: str) -> ClusterError:
    """The error that says why a request was refused.

    Args:
        status: the HTTP status.
        words: what Kubernetes said.
        what: the request, such as `GET /api/v1/pods`.
        server: who was asked.
    """
    message = words.get("message") or f"HTTP {status}"
    if status == 401:
        return ClusterError(
            f"Kubernetes' API server {server} does not take our token for {what}: {message}",
            "log in anew, or check the pod's service account",
            status=401,
        )
    if status == 403:
        return _forbidden(message)
    if status == 404:
        return MissingObjectError(f"{what}: {message}", "check its name and its namespace", status=404)
    if status == 409:
        theirs = "leave these fields to whom they belong, or take them (force)"
        remedy = theirs if "Apply failed" in message else "choose another name, or see who made it"
        return ForeignObjectError(_conflict(words, message), remedy, status=409)
    if status in (400, 422) or (status == 500 and _UNREADABLE.search(message)):
        return _invalid(status, words, message)
    return ClusterError(f"{what}: Kubernetes answered {status}: {message}", "try again later", status=status)


def _forbidden(message: str) -> ForbiddenError:
    denied = _DENIED.search(message)
    if not denied:
        # A quota or an admission policy.
        return ForbiddenError(
            f"Kubernetes does not admit the object: {message}",
            "ask for less, or have whoever runs the cluster change its quota or policy",
            status=403,
        )
    user, namespace = denied["user"], denied["namespace"] or ""
    rule = Rule(denied["group"], denied["resource"], (denied["verb"],))
    return ForbiddenError(
        f"{user} may not {denied['verb']} {rule.name}" + (f" in the namespace {namespace}" if namespace else ""),
        f"apply what allows it (kubectl apply -f), or have it applied:\n{missing_rule(rule, user, namespace)}",
        status=403,
    )


def _conflict(words: Words, message: str) -> str:
    causes = (words.get("details") or {}).get("causes") or []
    fields = "; ".join(f"{cause.get('field')}: {cause.get('message')}" for cause in causes)
    return f"{message.partition(': ')[0]}: {fields}" if fields else message


def _invalid(status: int, words: Words, message: str) -> InvalidObjectError:
    causes = (words.get("details") or {}).get("causes") or []
    named = [f"{cause['field']}: {cause.get('message', '')}" for cause in causes if cause.get("field")]
    name = (words.get("details") or {}).get("name") or ""
    kind = (words.get("details") or {}).get("kind") or "object"
    if named:
        text = f"Kubernetes refuses the {kind} {name}: " + "; ".join(named)
    else:
        text = "Kubernetes refuses the object: " + _CONVERTED.sub("", message)
    if any(one in message for one in _QUANTITIES):
        remedy = "write quantities as Kubernetes has them: 500m or 2 for cpu, 512Mi or 4G for memory"
    elif "unknown field" in message or "not declared" in message:
        remedy = "check the field's spelling and place, and that the installed version knows it: kubectl explain"
    else:
        remedy = "correct the field that is named"
    return InvalidObjectError(text, remedy, status=status)
