"""Types whose values are passed as text: dates and times in ISO 8601, paths, decimals and UUIDs."""

from __future__ import annotations

import datetime
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from .results import scalar
from .value_types import Place, ValueType

_DURATION = re.compile(r"(-?)P(?:(\d+)W)?(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)(?:\.(\d{1,6}))?S)?)?", re.ASCII)
_EXPECTED = {
    "datetime": "a date and time of ISO 8601, such as '2026-01-31T08:30:00'",
    "date": "a date of ISO 8601, such as '2026-01-31'",
    "time": "a time of ISO 8601, such as '08:30:00'",
    "timedelta": "a duration of ISO 8601, such as 'P1DT2H30M'",
    "path": "a path",
    "decimal": "a decimal number, such as '0.10'",
    "uuid": "a UUID",
}


@dataclass(frozen=True)
class Text(ValueType):
    """Values that are passed as text.

    Attributes:
        form: a key of `_EXPECTED`.
        base: the class of this form; values are instances of it.
        made: the class of decoded values, `base` or a subclass.
    """

    form: str
    base: type
    made: type
    kind: type = str

    @property
    def expected(self) -> str:  # type: ignore[override]
        """Description of valid values, for messages."""
        return _EXPECTED[self.form]

    def _encode(self, value: Any, at: Place) -> Any:
        base: Any = self.base
        if isinstance(value, str):
            value = scalar(self._parse(value, at))
        elif self.form == "decimal" and type(value) is int:
            return str(value)
        if hasattr(value, "to_pydatetime") and not hasattr(self.made, "to_pydatetime"):  # pandas' Timestamp
            value = value.to_pydatetime(warn=False)
        moment = isinstance(value, datetime.datetime)
        if not isinstance(value, base) or (moment and self.form == "date") or value != value:  # NaT
            raise at.wrong(value, self.expected)
        if self.form == "timedelta":
            return _format_duration(value)
        return value.isoformat() if self.form in ("datetime", "date", "time") else str(value)

    def decode(self, value: Any, at: Place) -> Any:
        """The value for its JSON; see `ValueType.decode`."""
        if not isinstance(value, str):
            raise at.wrong(value, self.expected)
        return self._parse(value, at)

    def _parse(self, text: str, at: Place) -> Any:
        try:
            return self._parser()(text)
        except (ValueError, ArithmeticError):
            raise at.wrong(text, self.expected) from None

    def _parser(self) -> Callable[[str], Any]:
        made: Any = self.made
        if self.form == "timedelta":
            return lambda text: _as_class(made, datetime.timedelta, _parse_duration(text))
        if self.form not in ("datetime", "date", "time"):
            return made  # type: ignore[no-any-return]
        base: Any = self.base
        if issubclass(made, base) and not hasattr(made, "to_pydatetime"):
            return lambda text: made.fromisoformat(_with_zone(text))
        return lambda text: made(text if base.fromisoformat(_with_zone(text)) else "")


def _with_zone(text: str) -> str:
    """The text with `+00:00` instead of `Z`, which Python parses since 3.11 only."""
    return f"{text[:-1]}+00:00" if text.endswith("Z") else text


def _format_duration(value: datetime.timedelta) -> str:
    """A duration in ISO 8601: `P1DT2H30M`."""
    sign = "-" if value < datetime.timedelta(0) else ""
    value = abs(value)
    minutes, seconds = divmod(value.seconds, 60)
    hours, minutes = divmod(minutes, 60)
    fraction = f".{value.microseconds:06d}".rstrip("0") if value.microseconds else ""
    clock = f"{f'{hours}H' if hours else ''}{f'{minutes}M' if minutes else ''}"
    clock += f"{seconds}{fraction}S" if seconds or fraction or not (clock or value.days) else ""
    return f"{sign}P{f'{value.days}D' if value.days else ''}{f'T{clock}' if clock else ''}"


def _parse_duration(text: str) -> datetime.timedelta:
    match = _DURATION.fullmatch(text)
    if match is None or not any(match.groups()[1:]) or text.endswith("T"):
        raise ValueError(text)
    weeks, days, hours, minutes, seconds = (int(one or 0) for one in match.groups()[1:6])
    value = datetime.timedelta(days, seconds, int((match[7] or "").ljust(6, "0")), 0, minutes, hours, weeks)
    return -value if match[1] else value


def _as_class(made: Any, base: type, value: Any) -> Any:
    """A value as an instance of a subclass, such as a class of pandas."""
    return value if made is base else made(value)
