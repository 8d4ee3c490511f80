"""Parameters of a pipeline on the command line: `NAME=VALUE`, or a file of them."""

from __future__ import annotations

import datetime
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from fairing_kfp.cli.options import pair

_FORMATS = (".yaml", ".yml", ".json", ".toml")


def given_parameters(texts: Sequence[str], option: str = "-p") -> dict[str, Any]:
    """The parameters by name; later ones replace earlier ones.

    Args:
        texts: `NAME=VALUE`, or `@FILE` for a YAML, JSON or TOML file that maps names to values.
        option: the option's name, for messages.

    Raises:
        click.BadParameter: a text has another form, or a file cannot be read or does not map names to values.
    """
    found: dict[str, Any] = {}
    for text in texts:
        if text.startswith("@"):
            found.update(_from_file(Path(text[1:]), option))
        else:
            name, value = pair(text, option)
            found[name] = value
    return found


def _from_file(path: Path, option: str) -> dict[str, Any]:
    if path.suffix.lower() not in _FORMATS:
        raise click.BadParameter(f"{path} is not a file of parameters: use {', '.join(_FORMATS)}", param_hint=option)
    try:
        content = _parsed(path.read_text("utf-8"), path.suffix.lower())
    except OSError as error:
        raise click.BadParameter(f"cannot read {path}: {error.strerror or error}", param_hint=option) from error
    except ValueError as error:
        reason = " ".join(str(error).split())
        raise click.BadParameter(f"cannot read {path}: {reason}", param_hint=option) from error
    if content is None:
        return {}
    if not isinstance(content, dict) or not all(isinstance(name, str) for name in content):
        raise click.BadParameter(f"{path} does not map names of parameters to values", param_hint=option)
    return {name: _plain(value) for name, value in content.items()}


def _parsed(text: str, suffix: str) -> Any:
    if suffix == ".json":
        return json.loads(text)
    if suffix == ".toml":
        if sys.version_info >= (3, 11):
            import tomllib
        else:
            import tomli as tomllib
        return tomllib.loads(text)
    import yaml

    try:
        return yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise ValueError(error) from error


def _plain(value: Any) -> Any:
    """The value with dates as text, which KFP has no type for."""
    if isinstance(value, (datetime.date, datetime.time)):
        return value.isoformat()
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, list) else value
