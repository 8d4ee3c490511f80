"""SDKs of clouds, imported when a call needs them."""

from __future__ import annotations

import importlib
from typing import Any

from fairing_kfp.errors import ConfigError


def sdk(module: str, package: str, call: str) -> Any:
    """Imports an SDK.

    Args:
        module: its module.
        package: its package on PyPI.
        call: the call that needs it.

    Raises:
        ConfigError: it is not installed.
    """
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise ConfigError(
            f"{call} needs the package {package}, which is not installed", f"pip install {package}"
        ) from error
