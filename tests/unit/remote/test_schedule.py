"""Schedules of recurring runs."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from fairing_kfp.errors import ConfigError
from fairing_kfp.remote.schedule import Schedule, describe

NOW = datetime(2026, 11, 28, 12, tzinfo=timezone.utc)


@pytest.mark.parametrize(
    ("interval", "seconds"), [("30s", 30), ("30m", 1800), ("6 h", 21600), ("1D", 86400), ("2w", 1209600)]
)
def test_intervals(interval: str, seconds: int) -> None:
    schedule = Schedule.parse(None, interval, now=NOW)

    assert schedule.seconds == seconds
    assert schedule.trigger().periodic_schedule.interval_second == str(seconds)
    assert schedule.next(NOW) == NOW + timedelta(seconds=seconds)


def test_a_cron_expression_begins_with_its_start() -> None:
    schedule = Schedule.parse("0 0 2 * * *", None, "2027-01-05", now=NOW)

    assert schedule.next(NOW) == datetime(2027, 1, 5, 2, tzinfo=timezone.utc)
    assert schedule.trigger().cron_schedule.start_time == datetime(2027, 1, 5, tzinfo=timezone.utc)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((None, None), "needs either a cron expression or an interval"),
        (("0 0 2 * * *", "6h"), "needs either a cron expression or an interval"),
        ((None, "6"), "'6' is not an interval"),
        ((None, "0h"), "never fires"),
        ((None, timedelta()), "never fires"),
        (("0 0 0 30 2 *", None), "'0 0 0 30 2 .' never fires: no month of it has such a day"),
        (("0 0 2 * * *", None, None, "2026-11-28T11:00:00Z"), "never fires: its end .* is before its start"),
        (("0 0 2 * * *", None, "2027-01-02", "2027-01-01"), "never fires: its end .* is before its start"),
        (
            ("0 0 2 1 * *", None, "2027-01-02", "2027-01-20"),
            "first time 2027-02-01.* is after its end",
        ),
        ((None, "1w", None, "2026-12-01"), "never fires: its first time 2026-12-05.* is after its end"),
        (("0 0 2 * * *", None, "soon"), "the start 'soon' is not a time"),
        ((None, "6h", None, "31.12.2026"), "the end '31.12.2026' is not a time"),
    ],
)
def test_schedules_that_never_fire_or_are_malformed_are_rejected(arguments: Any, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        Schedule.parse(*arguments, now=NOW)


def test_the_time_zone_of_the_installation_may_differ() -> None:
    assert Schedule.parse("0 0 2 * * *", None, None, "2026-11-28T20:00:00Z", now=NOW).cron is not None


@pytest.mark.parametrize(
    ("arguments", "text"),
    [(("0 0 2 * * *", None), "0 0 2 * * *"), ((None, "36h"), "every 36 h"), ((None, "7d"), "every 1 w")],
)
def test_schedules_are_described(arguments: Any, text: str) -> None:
    assert describe(Schedule.parse(*arguments, now=NOW).trigger()) == text
    assert describe(None) == ""
