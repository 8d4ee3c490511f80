"""Environment variables from Kubernetes Secrets: named in the pipeline, read by Kubernetes when a step starts."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from fairing_kfp.errors import ComponentError, ConfigError

if TYPE_CHECKING:
    from fairing_kfp.source import ComponentSource

# A Secret's name is an RFC 1123 subdomain; its keys are alphanumeric, `-`, `_` and `.`.
_REFERENCE = re.compile(r"([a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?)/([A-Za-z0-9._-]{1,253})")


@dataclass(frozen=True)
class SecretKey:
    """One key of a Secret.

    Attributes:
        secret: the Secret's name, in the namespace that the pipeline runs in.
        key: the key of its data.
    """

    secret: str
    key: str


def references(component: str, secrets: Mapping[str, str]) -> dict[str, SecretKey]:
    """What `secrets={"HF_TOKEN": "huggingface/token"}` names.

    Raises:
        ComponentError: a value is no reference. It is not repeated, as it may be the secret itself.
    """
    found = {}
    for variable, reference in secrets.items():
        match = _REFERENCE.fullmatch(reference) if isinstance(reference, str) else None
        if match is None or not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", variable):
            raise ComponentError(
                f"{component}: secrets={{{variable!r}: …}} does not name a variable and a key of a Kubernetes Secret",
                'write secrets={"HF_TOKEN": "SECRET/KEY"}, such as "huggingface/token"; '
                "the value itself belongs into the Secret",
            )
        found[variable] = SecretKey(match[1], match[2])
    return found


def with_secrets(component: Any, secrets: Mapping[str, SecretKey]) -> Any:
    """The KFP component, each of whose tasks gets these variables."""

    class ComponentWithSecrets(type(component)):  # type: ignore[misc]  # kfp has no types
        def __call__(self, *arguments: Any, **named: Any) -> Any:
            from kfp.kubernetes import use_secret_as_env

            task = super().__call__(*arguments, **named)
            by_secret: dict[str, dict[str, str]] = {}
            for variable, key in secrets.items():
                by_secret.setdefault(key.secret, {})[key.key] = variable
            for secret, variables in by_secret.items():
                use_secret_as_env(task, secret, variables)
            return task

    component.__class__ = ComponentWithSecrets
    return component


def check_here(sources: Iterable[ComponentSource]) -> None:
    """Sees that a run on this machine finds in its own environment what Kubernetes would bring.

    Raises:
        ConfigError: a variable is not set.
    """
    for source in sources:
        for variable, key in source.secrets.items():
            if variable not in os.environ:
                raise ConfigError(
                    f"the step {source.name} reads {variable}, on Kubernetes from the Secret {key.secret!r}; "
                    f"here it is not set",
                    f"export {variable} before you run the pipeline here",
                )
