"""Programs that keep credentials: `docker-credential-NAME`.

Protocol: https://docs.docker.com/reference/cli/docker/login/#credential-helper-protocol.
"""

from __future__ import annotations

import json
import subprocess

from fairing_kfp.errors import UnauthorizedError
from fairing_kfp.registry.credentials import Credentials

_TOKEN_USER = "<token>"  # noqa: S105 - how a helper marks an identity token
_SECONDS = 30


def ask(helper: str, key: str) -> Credentials | None:
    """What a helper keeps for a registry; its output never shows, as it may hold a secret.

    Args:
        helper: its name, without `docker-credential-`.
        key: the name that it knows the registry by.

    Raises:
        UnauthorizedError: it cannot be asked, or answers with something else.
    """
    program = f"docker-credential-{helper}"
    try:
        answer = subprocess.run(
            [program, "get"], input=key.encode(), capture_output=True, timeout=_SECONDS, check=False
        )
        if answer.returncode:
            if b"not found" in answer.stdout.lower():
                return None
            raise UnauthorizedError(
                f"{program} gives no credentials for {key}: it ended with {answer.returncode}", f"run it: {program} get"
            )
        found = json.loads(answer.stdout)
        username, secret = found["Username"], found["Secret"]
    except FileNotFoundError:
        raise UnauthorizedError(
            f"the Docker configuration names {program}, which is not on PATH", "install it, or log in again"
        ) from None
    except (OSError, subprocess.TimeoutExpired, ValueError, KeyError, TypeError) as error:
        raise UnauthorizedError(
            f"{program} gives no credentials for {key}: {type(error).__name__}", f"run it: {program} get"
        ) from None
    if not isinstance(username, str) or not isinstance(secret, str):
        raise UnauthorizedError(f"{program} gives no credentials for {key}: TypeError", f"run it: {program} get")
    return Credentials("", "", secret) if username == _TOKEN_USER else Credentials(username, secret)
