"""Kubernetes quantities: amounts of cpu, memory and devices.

Source: https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/quantity/
"""

from __future__ import annotations

import re
from decimal import Decimal

from fairing_kfp.errors import ConfigError

_QUANTITY = re.compile(r"(\d+(?:\.\d*)?|\.\d+)(?:([eE][+-]?\d{1,2})|([numkMGTPE]|[KMGTPE]i)?)", re.ASCII)
_UNITS = {
    **{unit: Decimal(1000) ** power for power, unit in enumerate("num", start=-3)},
    **{unit: Decimal(1000) ** power for power, unit in enumerate("kMGTPE", start=1)},
    **{f"{unit}i": Decimal(1024) ** power for power, unit in enumerate("KMGTPE", start=1)},
}
_BYTES = re.compile(r"(\d+(?:\.\d*)?)\s*([kKmMgGtTpP])(i?)[bB]?", re.ASCII)


def quantity(text: str | float, resource: str) -> str:
    """Checks a quantity and returns it as text.

    Args:
        text: a quantity such as `500m` or `4Gi`, or a number.
        resource: name of the resource, for errors.

    Raises:
        ConfigError: the quantity is malformed or negative; the remedy suggests a spelling.
    """
    amount(text, resource)
    return str(text)


def amount(text: str | float, resource: str) -> Decimal:
    """The value of a quantity, in cores, bytes or devices.

    Args:
        text: a quantity such as `500m` or `4Gi`, or a number.
        resource: name of the resource, for errors.

    Raises:
        ConfigError: the quantity is malformed or negative; the remedy suggests a spelling.
    """
    match = _QUANTITY.fullmatch(str(text))
    if isinstance(text, bool) or not match:
        raise ConfigError(f"{str(text)!r} is not a quantity of {resource}", _suggestion(str(text), resource))
    number, exponent, unit = match.groups()
    return Decimal(number + (exponent or "")) * _UNITS.get(unit or "", Decimal(1))


def _suggestion(text: str, resource: str) -> str:
    size = _BYTES.fullmatch(text.strip())
    if size and resource != "cpu":
        number, unit, binary = size[1], size[2].upper(), size[3]
        return f"write {number}{unit}i" if binary or unit == "K" else f"write {number}{unit}, or {number}{unit}i"
    if resource == "cpu":
        return "write cores, such as 2 or 0.5, or millicores, such as 500m"
    return "write a number and a unit: 512Mi, 4Gi, 4G" if resource != "gpu" else "write an integer"
