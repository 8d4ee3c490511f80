"""When a recurring run runs: at the times of a cron expression, or in intervals."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Any

from fairing_kfp.errors import ConfigError
from fairing_kfp.remote.cron import Cron

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 7 * 86400}
_ZONES = timedelta(hours=14)  # Kubeflow Pipelines may read cron expressions in any time zone


@dataclass(frozen=True)
class Schedule:
    """A schedule that fires at least once.

    Attributes:
        cron: the cron expression; None for an interval.
        seconds: the interval; 0 for a cron expression.
        start: the time from which on it is in force; None for now.
        end: the time until which it is in force; None for ever.
    """

    cron: Cron | None
    seconds: int
    start: datetime | None
    end: datetime | None

    @classmethod
    def parse(
        cls,
        cron: str | None,
        interval: str | timedelta | None,
        start: str | datetime | None = None,
        end: str | datetime | None = None,
        *,
        now: datetime | None = None,
    ) -> Schedule:
        """Parses a schedule.

        Args:
            cron: cron expression with six fields.
            interval: a duration such as `6h`.
            start: RFC 3339 time; without a zone, in UTC.
            end: RFC 3339 time.
            now: the current time.

        Raises:
            ConfigError: it is malformed, or never fires.
        """
        if (cron is None) == (interval is None):
            raise ConfigError("a recurring run needs either a cron expression or an interval", "use --cron or --every")
        now = now or datetime.now(timezone.utc)
        parsed = cls(
            Cron.parse(cron) if cron is not None else None,
            _seconds(interval) if interval is not None else 0,
            _time(start, "start"),
            _time(end, "end"),
        )
        parsed._check(now)
        return parsed

    def next(self, now: datetime) -> datetime | None:
        """The next time at which it fires, in UTC; None if there is none."""
        begin = max(now, self.start) if self.start else now
        return self.cron.next(begin) if self.cron else begin + timedelta(seconds=self.seconds)

    def trigger(self) -> Any:
        """The schedule as the API takes it (`V2beta1Trigger`)."""
        import kfp_server_api

        times = {"start_time": self.start, "end_time": self.end}
        if self.cron:
            schedule = kfp_server_api.V2beta1CronSchedule(cron=self.cron.text, **times)
            return kfp_server_api.V2beta1Trigger(cron_schedule=schedule)
        schedule = kfp_server_api.V2beta1PeriodicSchedule(interval_second=str(self.seconds), **times)
        return kfp_server_api.V2beta1Trigger(periodic_schedule=schedule)

    def _check(self, now: datetime) -> None:
        what = f"the cron expression {self.cron.text!r}" if self.cron else f"the interval of {self.seconds} s"
        if self.end and self.end <= (self.start or now):
            raise ConfigError(
                f"{what} never fires: its end {self.end.isoformat()} is before its start", "choose a later --end"
            )
        first = self.next(now)
        if first is None:
            raise ConfigError(f"{what} never fires: no month of it has such a day", "correct the day or the month")
        if self.end and first > self.end + (_ZONES if self.cron else timedelta()):
            raise ConfigError(
                f"{what} never fires: its first time {first.isoformat()} is after its end {self.end.isoformat()}",
                "choose a later --end",
            )


def describe(trigger: Any) -> str:
    """A schedule of the API in words: the cron expression, or `every 6 h`."""
    if trigger and trigger.cron_schedule:
        return str(trigger.cron_schedule.cron)
    if trigger and trigger.periodic_schedule:
        seconds = int(trigger.periodic_schedule.interval_second or 0)
        for unit, length in reversed(_UNITS.items()):
            if seconds and seconds % length == 0:
                return f"every {seconds // length} {unit}"
    return ""


def _seconds(interval: str | timedelta) -> int:
    if isinstance(interval, timedelta):
        seconds = int(interval.total_seconds())
    else:
        found = re.fullmatch(r"(\d+)\s*([smhdw])", interval.strip().lower())
        if not found:
            raise ConfigError(f"{interval!r} is not an interval", "use a number and a unit: 30m, 6h, 1d, 1w")
        seconds = int(found[1]) * _UNITS[found[2]]
    if seconds < 1:
        raise ConfigError(f"the interval {interval} never fires", "use at least 1s")
    return seconds


def _time(value: str | datetime | None, name: str) -> datetime | None:
    if value is None:
        return None
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value.strip().replace("Z", "+00:00"))
        except ValueError:
            raise ConfigError(
                f"the {name} {value!r} is not a time", "use a form such as 2026-01-31 or 2026-01-31T02:00:00Z"
            ) from None
    return value if value.tzinfo else value.replace(tzinfo=timezone.utc)
