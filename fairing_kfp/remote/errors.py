"""Errors from the responses of Kubeflow Pipelines."""

from __future__ import annotations

import json

import urllib3

from fairing_kfp.errors import KfpError

_LONGEST = 600


def is_transient(status: int | None) -> bool:
    """Whether the same request may succeed later; None stands for no answer."""
    return status in (None, 408, 429, 502, 503, 504)


def unreachable(host: str, error: urllib3.exceptions.HTTPError) -> KfpError:
    """The error for a host that does not answer."""
    cause = getattr(error, "reason", None) or error
    if isinstance(cause, urllib3.exceptions.SSLError):
        return untrusted(host, str(cause))
    return KfpError(
        f"cannot reach Kubeflow Pipelines at {host}: {_cause(cause)}",
        "check --host; without an ingress: kubectl port-forward -n kubeflow svc/ml-pipeline-ui 8080:80, and "
        "--host http://localhost:8080",
    )


def untrusted(host: str, cause: str) -> KfpError:
    """The error for a TLS connection that fails."""
    return KfpError(
        f"no TLS connection to Kubeflow Pipelines at {host}: {' '.join(cause.split())[:_LONGEST]}",
        "name the CA certificates of the host with --ca, or check the scheme of --host",
    )


def not_kfp(host: str, status: int | None = None) -> KfpError:
    """The error for a host that serves something else, such as a login page."""
    return KfpError(
        f"{host} answers, but not as Kubeflow Pipelines: /apis/v2beta1/healthz is missing, or is a web page",
        "check the path, such as https://HOST/pipeline; if it is a login page, set FAIRING_KFP_TOKEN or "
        "FAIRING_KFP_COOKIES",
        status=status,
    )


def error_from_status(
    status: int, body: object, *, request: str, host: str, namespace: str | None, authenticated: bool
) -> KfpError:
    """The error for a response.

    Args:
        status: HTTP status.
        body: the response's body.
        request: what was requested, such as `create the run digits`.
        host: URL of Kubeflow Pipelines.
        namespace: namespace of the request, if any.
        authenticated: whether credentials were sent.
    """
    message = _message(body) or f"HTTP {status}"
    where = f" in the namespace {namespace}" if namespace else ""
    if status == 401:
        cause = f"rejects the credentials (expired?): {message}" if authenticated else "requires credentials"
        return KfpError(
            f"Kubeflow Pipelines at {host} {cause}",
            "get a new token (FAIRING_KFP_TOKEN, --token-file) or session cookie (FAIRING_KFP_COOKIES)",
            status=status,
        )
    if status == 403:
        return KfpError(
            f"you may not {request}{where}: {message}",
            "check --namespace, or let the owner of the namespace add you as a contributor",
            status=status,
        )
    if status == 404:
        return KfpError(f"cannot {request}{where}: it does not exist: {message}", "check the id", status=status)
    if status == 409:
        return KfpError(f"cannot {request}{where}: it exists: {message}", "choose another name", status=status)
    if status < 500:
        return KfpError(f"cannot {request}{where}: {message}", "correct the request as the message says", status=status)
    return KfpError(
        f"cannot {request}{where}: Kubeflow Pipelines answered {status}: {message}",
        "see the log of the Deployment ml-pipeline, or try again later",
        status=status,
    )


def _message(body: object) -> str:
    """The message in a response of the API (`google.rpc.Status`) or of its upload endpoints."""
    text = body.decode(errors="replace") if isinstance(body, bytes) else str(body or "")
    try:
        found = json.loads(text)
    except ValueError:
        found = {} if "<html" in text.lower() else {"message": text}
    if not isinstance(found, dict):
        return ""
    message = found.get("message") or found.get("error_message") or found.get("error") or ""
    return " ".join(str(message).split())[:_LONGEST]


def _cause(error: object) -> str:
    """The cause of a failed connection, without the address of a Python object."""
    text = str(error)
    return text.partition(": ")[2] or text if text.startswith(("<", "HTTP")) else text
