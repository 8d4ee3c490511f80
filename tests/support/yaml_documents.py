"""Documents of YAML, read by libyaml where PyYAML has it, which is ten times as fast."""

from __future__ import annotations

from typing import Any

import yaml

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def documents(text: str | bytes) -> list[Any]:
    """The documents of a text, such as a compiled pipeline: its specification and, if any, its platforms."""
    return list(yaml.load_all(text, _LOADER))
