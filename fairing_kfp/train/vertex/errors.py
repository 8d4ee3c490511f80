"""Errors of Google's clients as `VertexError`, each with a remedy."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

from fairing_kfp.errors import VertexError

_QUOTA = "request more quota from Google, or choose another region, machine or accelerator"
_LATER = "check the connection to Google's APIs, and run the pipeline again"


@contextmanager
def vertex_errors(action: str, *, role: str, absent: str) -> Iterator[None]:
    """Converts the errors of Google's clients.

    Args:
        action: the action in messages, such as "create the custom job train".
        role: IAM role that permits the action.
        absent: remedy if a resource does not exist.

    Raises:
        VertexError: Google Cloud rejects the request, or does not answer.
    """
    import requests
    from google.api_core import exceptions
    from google.auth import exceptions as auth_exceptions

    try:
        yield
    except auth_exceptions.DefaultCredentialsError as error:
        raise VertexError(
            f"cannot {action}: there are no Google credentials: {_first_line(error)}",
            "bind the step's service account to a Google service account (Workload Identity), or mount a key with "
            "kubernetes.use_secret_as_volume and set GOOGLE_APPLICATION_CREDENTIALS to its path",
        ) from error
    except auth_exceptions.GoogleAuthError as error:
        raise VertexError(
            f"cannot {action}: authentication failed: {_first_line(error)}", "renew the step's credentials"
        ) from error
    except exceptions.RetryError as error:
        raise VertexError(f"cannot {action}: no answer: {_message(error.cause or error)}", _LATER) from error
    except exceptions.GoogleAPICallError as error:
        remedy = {
            400: "correct the value in the message",
            401: "renew the step's credentials",
            403: f"grant the step's service account {role}",
            404: absent,
            429: _QUOTA,
        }.get(int(error.code or 0), _LATER)
        raise VertexError(
            f"cannot {action}: Google answered {int(error.code or 0)}: {_message(error)}", remedy
        ) from error
    except requests.RequestException as error:
        raise VertexError(f"cannot {action}: no answer: {_first_line(error)}", f"{_LATER}; or {absent}") from error


def _message(error: Exception) -> str:
    """The message of a response, without the request that Google's client puts in front; HTML is only mentioned."""
    text = str(getattr(error, "message", "")) or str(error)
    text = re.sub(r"^(GET|POST|PUT|DELETE) \S+: ", "", text)
    return "an HTML page instead of JSON" if "<html" in text.lower() else _first_line(text)


def _first_line(error: object) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
