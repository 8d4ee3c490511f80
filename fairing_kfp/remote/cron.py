"""Cron expressions as Kubeflow Pipelines parses them: six fields, seconds first.

Semantics: https://pkg.go.dev/github.com/robfig/cron@v1.2.0
"""

from __future__ import annotations

import calendar
from dataclasses import dataclass
from datetime import datetime, timedelta

from fairing_kfp.errors import ConfigError

_MONTHS = {name.lower(): number for number, name in enumerate(calendar.month_abbr) if name}
_WEEKDAYS = {name: number for number, name in enumerate(("sun", "mon", "tue", "wed", "thu", "fri", "sat"))}
_FIELDS: tuple[tuple[str, int, int, dict[str, int]], ...] = (
    ("second", 0, 59, {}),
    ("minute", 0, 59, {}),
    ("hour", 0, 23, {}),
    ("day of the month", 1, 31, {}),
    ("month", 1, 12, _MONTHS),
    ("day of the week", 0, 6, _WEEKDAYS),
)
_YEARS = 5  # as far ahead as Kubeflow Pipelines looks


@dataclass(frozen=True)
class Cron:
    """A cron expression.

    Attributes:
        text: the expression.
        values: the values of each field.
        any_day: whether the day of the month is `*` or `?`.
        any_weekday: whether the day of the week is `*` or `?`.
    """

    text: str
    values: tuple[frozenset[int], ...]
    any_day: bool
    any_weekday: bool

    @classmethod
    def parse(cls, text: str) -> Cron:
        """Parses an expression.

        Raises:
            ConfigError: it is malformed; the message names the field.
        """
        parts = text.split()
        if len(parts) != len(_FIELDS):
            names = ", ".join(name for name, *_ in _FIELDS)
            remedy = f"use six fields: {names}; every night at two: '0 0 2 * * *'"
            if len(parts) == 5:
                remedy = f"put the second in front: '0 {text.strip()}'"
            raise ConfigError(f"the cron expression {text!r} has {len(parts)} fields instead of six", remedy)
        values = tuple(
            _field(text, part, name, low, high, names)
            for part, (name, low, high, names) in zip(parts, _FIELDS, strict=True)
        )
        any_day, any_weekday = (any(one.startswith(("*", "?")) for one in parts[index].split(",")) for index in (3, 5))
        return cls(" ".join(parts), values, any_day, any_weekday)

    def next(self, after: datetime) -> datetime | None:
        """The next time at which it fires, in the time zone of `after`; None if there is none within five years."""
        seconds, minutes, hours = (sorted(values) for values in self.values[:3])
        day = after.replace(hour=0, minute=0, second=0, microsecond=0)
        for _ in range(366 * _YEARS):
            if self._matches(day):
                for hour in hours:
                    for minute in minutes:
                        # The last second decides whether any of this minute is left.
                        if day.replace(hour=hour, minute=minute, second=seconds[-1]) <= after:
                            continue
                        moments = (day.replace(hour=hour, minute=minute, second=second) for second in seconds)
                        return next(moment for moment in moments if moment > after)
            day += timedelta(days=1)
        return None

    def _matches(self, day: datetime) -> bool:
        """Whether it fires on a day: if both kinds of days are restricted, on either."""
        days, months, weekdays = self.values[3:]
        by_day, by_weekday = day.day in days, day.isoweekday() % 7 in weekdays
        either = by_day or by_weekday
        return day.month in months and ((by_day and by_weekday) if self.any_day or self.any_weekday else either)


def _field(text: str, part: str, name: str, low: int, high: int, names: dict[str, int]) -> frozenset[int]:
    def malformed(cause: str) -> ConfigError:
        return ConfigError(
            f"the {name} {part!r} of the cron expression {text!r} is malformed: {cause}",
            f"use *, numbers from {low} to {high}, ranges such as {low}-{high}, lists, and steps such as */2",
        )

    def number(value: str) -> int:
        found = names.get(value.lower(), int(value) if value.isascii() and value.isdecimal() else None)
        if found is None:
            raise malformed(f"{value!r} is not a number")
        if not low <= found <= high:
            raise malformed(f"{found} is not between {low} and {high}")
        return found

    values: set[int] = set()
    for one in part.split(","):
        span, slash, step_text = one.partition("/")
        first, dash, last = span.partition("-")
        if span in ("*", "?"):
            start, end = low, high
        else:
            start = number(first)
            end = number(last) if dash else high if slash else start
        if start > end:
            raise malformed(f"{span} begins after its end")
        step = int(step_text) if step_text.isascii() and step_text.isdecimal() else 0
        if slash and step < 1:
            raise malformed(f"{step_text!r} is not a step")
        values |= set(range(start, end + 1, step or 1))
    return frozenset(values)
