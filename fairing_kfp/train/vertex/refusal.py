"""What Google Cloud answers when it does not do what it was asked, as an error that says what to do."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

from fairing_kfp.errors import VertexError

_QUOTA = "ask Google for more quota, or choose another region, machine or accelerator"
_LATER = "see whether this machine reaches Google's APIs, and run it again"


@contextmanager
def refusals(what: str, *, role: str, absent: str) -> Iterator[None]:
    """Turns the errors of Google's clients into ours.

    Args:
        what: is done, such as "making the custom job train".
        role: the role that allows it.
        absent: what to do if what it names is not there.

    Raises:
        VertexError: Google refuses, or does not answer.
    """
    import requests
    from google.api_core import exceptions
    from google.auth import exceptions as of_login

    try:
        yield
    except of_login.DefaultCredentialsError as error:
        raise VertexError(
            f"{what}: there are no credentials of Google's: {_first(error)}",
            "let the step's service account be one of Google's (Workload Identity), or mount a key by "
            "kubernetes.use_secret_as_volume and name it in GOOGLE_APPLICATION_CREDENTIALS",
        ) from error
    except of_login.GoogleAuthError as error:
        raise VertexError(f"{what}: Google's login fails: {_first(error)}", "renew the step's credentials") from error
    except exceptions.RetryError as error:
        raise VertexError(f"{what}: no answer: {_words(error.cause or error)}", _LATER) from error
    except exceptions.GoogleAPICallError as error:
        remedy = {
            400: "correct what it names",
            401: "renew the step's credentials",
            403: f"give the step's service account {role}",
            404: absent,
            429: _QUOTA,
        }.get(int(error.code or 0), _LATER)
        raise VertexError(f"{what}: Google answers {int(error.code or 0)}: {_words(error)}", remedy) from error
    except requests.RequestException as error:
        raise VertexError(f"{what}: no answer: {_first(error)}", f"{_LATER}; or {absent}") from error


def _words(error: Exception) -> str:
    """What the answer says, without the request that the client puts before it; of a page, that it is one."""
    text = str(getattr(error, "message", "")) or str(error)
    text = re.sub(r"^(GET|POST|PUT|DELETE) \S+: ", "", text)
    return "a page instead of JSON" if "<html" in text.lower() else _first(text)


def _first(error: object) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
