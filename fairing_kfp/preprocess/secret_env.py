"""Environment variables from Kubernetes Secrets, which Kubernetes resolves when a step starts."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from fairing_kfp.errors import ComponentError
from fairing_kfp.frozen import dataclass
from fairing_kfp.preprocess.task_call import in_pipeline

# A Secret's name is an RFC 1123 subdomain; its keys are alphanumeric, `-`, `_` and `.`.
_REFERENCE = re.compile(r"([a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?)/([A-Za-z0-9._-]{1,253})")


@dataclass(frozen=True)
class SecretKey:
    """A key of a Secret.

    Attributes:
        secret: the Secret's name, in the pipeline's namespace.
        key: a key of its data.
    """

    secret: str
    key: str


def references(component: str, secrets: Mapping[str, str]) -> dict[str, SecretKey]:
    """Parses `secrets={"HF_TOKEN": "huggingface/token"}`.

    Raises:
        ComponentError: a value is not SECRET/KEY. The message omits it, since it may be the secret itself.
    """
    found = {}
    for variable, reference in secrets.items():
        match = _REFERENCE.fullmatch(reference) if isinstance(reference, str) else None
        if match is None or not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", variable):
            raise ComponentError(
                f"{component}: secrets={{{variable!r}: …}} must map a variable to a key of a Kubernetes Secret",
                'write secrets={"HF_TOKEN": "SECRET/KEY"}, such as "huggingface/token"; '
                "the value itself belongs in the Secret",
            )
        found[variable] = SecretKey(match[1], match[2])
    return found


def with_secrets(component: Any, secrets: Mapping[str, SecretKey]) -> Any:
    """Adds the variables to every task of a KFP component."""

    class ComponentWithSecrets(type(component)):  # type: ignore[misc]  # kfp has no types
        def __call__(self, *arguments: Any, **named: Any) -> Any:
            from kfp.kubernetes import use_secret_as_env

            task = super().__call__(*arguments, **named)
            if not in_pipeline():  # then it is what the function returns
                return task
            by_secret: dict[str, dict[str, str]] = {}
            for variable, key in secrets.items():
                by_secret.setdefault(key.secret, {})[key.key] = variable
            for secret, variables in by_secret.items():
                use_secret_as_env(task, secret, variables)
            return task

    component.__class__ = ComponentWithSecrets
    return component
