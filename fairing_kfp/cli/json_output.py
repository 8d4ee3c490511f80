"""JSON on standard output."""

from __future__ import annotations

import json
from typing import Any

import click


def print_json(value: Any) -> None:
    """Prints a value as JSON; paths and other objects as text."""
    click.echo(json.dumps(value, indent=2, ensure_ascii=False, default=str))
