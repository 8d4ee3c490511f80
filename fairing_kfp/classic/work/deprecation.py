"""Parameters and calls of Fairing that have no meaning any more."""

from __future__ import annotations

import sys
import warnings
from pathlib import Path
from typing import Any, NoReturn

from fairing_kfp.errors import ConfigError

_PACKAGE = str(Path(__file__).parent.parent)
_warned: set[tuple[str, str]] = set()


def warn_unused(call: str, parameter: str, value: Any, default: Any, successor: str) -> None:
    """Warns once per process of a parameter that is set and has no meaning any more.

    Args:
        call: the class or function, as users write it.
        parameter: name of the parameter.
        value: its value.
        default: its default, which needs no warning.
        successor: what to use instead, as a clause.
    """
    if value is default or value == default:
        return
    warn_once(call, parameter, f"{call}({parameter}=…) has no effect any more: {successor}")


def warn_once(call: str, subject: str, text: str) -> None:
    """Warns once per process.

    Args:
        call: the class or function.
        subject: its part that the warning is about.
        text: the warning.
    """
    if (call, subject) in _warned:
        return
    _warned.add((call, subject))
    frame, level = sys._getframe(1), 2
    while frame.f_back is not None and frame.f_code.co_filename.startswith(_PACKAGE):
        frame, level = frame.f_back, level + 1
    warnings.warn(text, DeprecationWarning, stacklevel=level)


def refuse(call: str, cause: str, successor: str) -> NoReturn:
    """Raises the error of a call that has no counterpart.

    Args:
        call: the class or function, as users write it.
        cause: why it has none, as a clause.
        successor: what to use instead, as an imperative.

    Raises:
        ConfigError: always.
    """
    raise ConfigError(f"{call} is not available any more: {cause}", successor)
