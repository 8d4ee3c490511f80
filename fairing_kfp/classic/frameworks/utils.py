"""Files of properties, as LightGBM reads them."""

from __future__ import annotations

import configparser
import tempfile
from collections.abc import Iterable, Mapping, MutableMapping, Sequence
from pathlib import Path
from typing import Any, NoReturn

from fairing_kfp.classic.work.deprecation import refuse
from fairing_kfp.errors import ConfigError

_PEERS = "in a step, use fairing_kfp.distributed: rank(), nodes(), peers(), lightgbm_parameters()"
_RECEIVED = "nodes receive the addresses of the others"


def parse_cluster_spec_env() -> NoReturn:
    """Refused, since nodes receive their rank and the addresses of the others."""
    refuse("parse_cluster_spec_env()", _RECEIVED, _PEERS)


def nslookup(hostname: str, retries: int) -> NoReturn:
    """Refused, since nodes receive the addresses of the others."""
    refuse(f"nslookup({hostname!r})", _RECEIVED, _PEERS)


def init_lightgbm_env(config_file: str, mlist_file: str) -> NoReturn:
    """Refused, since LightGBM gets the addresses by parameters."""
    refuse("init_lightgbm_env()", _RECEIVED, _PEERS)


def write_ip_list_file(file_name: str, ips: Iterable[str], port: int | None = None) -> None:
    """Writes addresses to a file, sorted, one a line.

    Args:
        file_name: the file.
        ips: the addresses.
        port: a port to add to each.
    """
    lines = sorted(f"{ip} {port}" if port else ip for ip in ips)
    Path(file_name).write_text("\n".join(lines) + "\n", "utf-8")


def load_properties_config_file(config_file: str) -> dict[str, Any]:
    """Reads a file of properties.

    Raises:
        ConfigError: it cannot be read.
    """
    parser = configparser.ConfigParser(allow_no_value=True, interpolation=None)
    try:
        parser.read_string("[default]\n" + Path(config_file).read_text("utf-8"))
    except (OSError, UnicodeDecodeError, configparser.Error) as error:
        raise ConfigError(f"cannot read {config_file}: {error}", "write lines such as num_leaves=31") from error
    return dict(parser.items("default"))


def save_properties_config_file(config: Mapping[str, Any], file_name: str | None = None) -> str:
    """Writes a file of properties; returns its name.

    Args:
        config: the properties.
        file_name: the file; a temporary one by default.
    """
    if file_name is None:
        with tempfile.NamedTemporaryFile(delete=False) as file:
            file_name = file.name
    lines = (f"{key}={str(value).lower() if isinstance(value, bool) else value}\n" for key, value in config.items())
    Path(file_name).write_text("".join(lines), "utf-8")
    return file_name


def update_config_file(file_name: str, field_name: str, new_value: Any) -> None:
    """Sets a property in a file."""
    save_properties_config_file({**load_properties_config_file(file_name), field_name: new_value}, file_name)


def scrub_fields(config: MutableMapping[str, Any], filed_names: Iterable[str]) -> None:
    """Removes properties."""
    for name in filed_names:
        config.pop(name, None)


def get_config_value(config: Mapping[str, Any], field_names: Sequence[str]) -> tuple[str | None, Any]:
    """The property that has one of several names, and its value; None and None if there is none.

    Raises:
        ConfigError: it has two of these names.
    """
    found = [(name, config[name]) for name in field_names if name in config]
    if len(found) > 1:
        raise ConfigError(f"{' and '.join(name for name, _ in found)} are names of one parameter", "keep one of them")
    return found[0] if found else (None, None)
