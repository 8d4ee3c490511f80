"""`fairing-kfp recurring`."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from tests.support import stand_in_builder
from tests.support.command_line import fairing_kfp
from tests.support.kfp_stand_in import KfpStandIn, serve_kfp
from tests.support.paths import TESTS

TARGET = f"{TESTS}/support/remote_pipelines.py:digits"


@pytest.fixture
def kfp(monkeypatch: pytest.MonkeyPatch) -> Iterator[KfpStandIn]:
    stand_in_builder.register(monkeypatch)
    with serve_kfp() as stand_in:
        monkeypatch.setenv("FAIRING_KFP_HOST", stand_in.url)
        yield stand_in


def create(*arguments: str) -> tuple[int, str]:
    return fairing_kfp("recurring", "create", TARGET, "--builder", "stand-in", *arguments)


def test_a_recurring_run_is_created(kfp: KfpStandIn) -> None:
    code, output = create("--cron", "0 0 2 * * *", "-p", "depth=6", "--no-catchup", "--name", "nightly")
    (sent,) = kfp.recurring.values()

    assert code == 0
    assert "✔ nightly runs on schedule, 0 0 2 * * *, first at 20" in output
    assert (sent.runtime_config.parameters, sent.no_catchup, sent.mode) == ({"depth": 6}, True, "ENABLE")


def test_recurring_runs_are_listed_disabled_enabled_and_deleted(kfp: KfpStandIn) -> None:
    create("--every", "6h", "--disabled")
    (recurring,) = kfp.recurring

    assert [line.split() for line in fairing_kfp("recurring", "list")[1].splitlines()] == [
        ["id", "name", "schedule", "state"],
        [recurring, "digits", "every", "6", "h", "disabled"],
    ]
    assert fairing_kfp("recurring", "enable", "digits") == (0, "✔ digits is enabled: every 6 h\n")
    assert json.loads(fairing_kfp("recurring", "list", "--json")[1])[0]["enabled"] is True
    assert fairing_kfp("recurring", "disable", recurring) == (0, "✔ digits is disabled\n")
    assert fairing_kfp("recurring", "delete", "digits", "-q") == (0, "")
    assert fairing_kfp("recurring", "list") == (0, "no recurring runs\n")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--cron", "0 0 0 30 2 *"), "never fires"),
        (("--cron", "0 2 * * *"), "put the second in front: '0 0 2 * * *'"),
        (("--every", "6"), "'6' is not an interval"),
        ((), "use --cron or --every"),
    ],
)
def test_schedules_are_checked_first(kfp: KfpStandIn, arguments: tuple[str, ...], message: str) -> None:
    code, output = create(*arguments)

    assert code == 2
    assert message in output
    assert kfp.requests == []
