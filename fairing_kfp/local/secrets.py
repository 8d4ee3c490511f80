"""Secrets of a local run, checked before the first step starts."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import TYPE_CHECKING

from fairing_kfp.errors import ConfigError

if TYPE_CHECKING:
    from fairing_kfp.preprocess.source import ComponentSource


def check_secrets(sources: Iterable[ComponentSource]) -> None:
    """Checks that the environment has the variables that Kubernetes would read from Secrets.

    Raises:
        ConfigError: a variable is not set.
    """
    for source in sources:
        for variable, key in source.secrets.items():
            if variable not in os.environ:
                raise ConfigError(
                    f"the step {source.name} needs {variable}, which is not set here; on Kubernetes it comes from the "
                    f"Secret {key.secret!r}",
                    f"export {variable} before the local run",
                )
