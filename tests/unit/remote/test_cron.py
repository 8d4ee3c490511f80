"""Cron expressions, as robfig/cron 1.2 reads them."""

from __future__ import annotations

from datetime import datetime, timezone

import pytest

from fairing_kfp.errors import ConfigError
from fairing_kfp.remote.cron import Cron

NOW = datetime(2026, 11, 28, 23, 59, 30, tzinfo=timezone.utc)  # a Saturday


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0 0 2 * * *", "2026-11-29 02:00:00"),
        ("* * * * * *", "2026-11-28 23:59:31"),
        ("30 59 23 * * *", "2026-11-29 23:59:30"),
        ("31 59 23 * * *", "2026-11-28 23:59:31"),
        ("0 */15 * * * ?", "2026-11-29 00:00:00"),
        ("0 0 9 ? * MON-FRI", "2026-11-30 09:00:00"),
        ("0 0 9 ? * 1", "2026-11-30 09:00:00"),
        ("0 0 0 1 jan *", "2027-01-01 00:00:00"),
        ("0 30 1,13 * * *", "2026-11-29 01:30:00"),
        ("0 0 20/2 * * *", "2026-11-29 20:00:00"),
        ("0 0 0 31 * *", "2026-12-31 00:00:00"),
        ("0 0 0 29 2 *", "2028-02-29 00:00:00"),
        # Day and weekday restricted: either.
        ("0 0 0 31 12 sun", "2026-12-06 00:00:00"),
        # One of them a star, with steps: both.
        ("0 0 0 */31 * sun", "2027-08-01 00:00:00"),
    ],
)
def test_the_next_time(text: str, expected: str) -> None:
    found = Cron.parse(text).next(NOW)

    assert found == datetime.fromisoformat(expected).replace(tzinfo=timezone.utc)


@pytest.mark.parametrize("text", ["0 0 0 30 2 *", "0 0 0 31 4,6,9,11 ?"])
def test_days_that_no_month_has_never_come(text: str) -> None:
    assert Cron.parse(text).next(NOW) is None


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "has 0 fields instead of six"),
        ("0 2 * * *", "has 5 fields instead of six"),
        ("60 * * * * *", "the second '60' .* 60 is not between 0 and 59"),
        ("* 60 * * * *", "the minute '60'"),
        ("* * 24 * * *", "the hour '24'"),
        ("* * * 0 * *", "the day of the month '0'"),
        ("* * * * 13 *", "the month '13'"),
        ("* * * * * 7", "the day of the week '7'"),
        ("* * * * * sunday", "'sunday' is not a number"),
        ("* 5-1 * * * *", "5-1 begins after its end"),
        ("* */0 * * * *", "'0' is not a step"),
        ("* 1/ * * * *", "'' is not a step"),
        ("* 1,,2 * * * *", "'' is not a number"),
        ("* -1 * * * *", "'' is not a number"),
        ("* 1-2-3 * * * *", "'2-3' is not a number"),
        ("* ² * * * *", "'²' is not a number"),
    ],
)
def test_malformed_expressions_are_rejected_with_the_field(text: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        Cron.parse(text)


def test_a_cron_expression_of_unix_gets_its_second() -> None:
    with pytest.raises(ConfigError) as raised:
        Cron.parse("0 2 * * *")
    assert "'0 0 2 * * *'" in raised.value.remedy
