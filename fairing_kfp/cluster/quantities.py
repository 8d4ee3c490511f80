"""Quantities: amounts of cpu, memory and devices.

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
_WRITTEN = re.compile(r"(\d+(?:\.\d*)?)\s*([kKmMgGtTpP])(i?)[bB]?", re.ASCII)


def quantity(text: str | float, of: str) -> str:
    """A quantity as Kubernetes takes it.

    Args:
        text: such as `500m`, `4Gi`, or a number.
        of: what it is an amount of, for errors: `memory`.

    Raises:
        ConfigError: it is malformed or negative; the error says what was probably meant.
    """
    amount(text, of)
    return str(text)


def amount(text: str | float, of: str) -> Decimal:
    """What a quantity amounts to, in cores, bytes or pieces.

    Raises:
        ConfigError: as for `quantity`.
    """
    match = _QUANTITY.fullmatch(str(text))
    if isinstance(text, bool) or not match:
        raise ConfigError(f"{str(text)!r} is no amount of {of}", _meant(str(text), of))
    number, exponent, unit = match.groups()
    return Decimal(number + (exponent or "")) * _UNITS.get(unit or "", Decimal(1))


def _meant(text: str, of: str) -> str:
    written = _WRITTEN.fullmatch(text.strip())
    if written and of != "cpu":
        number, unit, binary = written[1], written[2].upper(), written[3]
        return f"write {number}{unit}i" if binary or unit == "K" else f"write {number}{unit}, or {number}{unit}i"
    if of == "cpu":
        return "write cores, as 2 or 0.5, or thousandths of one, as 500m"
    return "write a number and a unit: 512Mi, 4Gi, 4G" if of != "gpu" else "write a whole number"
