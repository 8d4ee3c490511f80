"""Recurring runs on Kubeflow Pipelines."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from fairing_kfp import RecurringRun
from fairing_kfp.errors import ConfigError, KfpError, PipelineError
from tests.support.kfp_stand_in import KfpStandIn
from tests.support.remote_pipelines import digits
from tests.support.stand_in_builder import StandInBuilder


@pytest.fixture
def builder() -> StandInBuilder:
    return StandInBuilder()


def create(kfp: KfpStandIn, builder: StandInBuilder, arguments: Any = None, **options: Any) -> RecurringRun:
    return RecurringRun.create(digits, arguments, **{"host": kfp.url, "builder": builder, "every": "6h", **options})


def test_a_version_is_uploaded_and_scheduled(kfp: KfpStandIn, builder: StandInBuilder) -> None:
    created = create(
        kfp, builder, {"depth": "6"}, every=None, cron="0 0 2 * * *", experiment="nightly", catchup=False,
        max_concurrency=2, service_account="trainer",
    )  # fmt: skip

    (sent,), (version,) = kfp.recurring.values(), kfp.versions.values()
    assert sent.pipeline_version_reference.pipeline_version_id == version.pipeline_version_id
    assert (sent.runtime_config.parameters, sent.trigger.cron_schedule.cron) == ({"depth": 6}, "0 0 2 * * *")
    assert (sent.no_catchup, sent.max_concurrency, sent.service_account) == (True, "2", "trainer")
    assert kfp.experiments[sent.experiment_id].display_name == "nightly"
    assert (created.name, created.enabled, created.schedule) == ("digits", True, "0 0 2 * * *")
    assert created.next is not None
    assert (created.next.hour, created.next.minute) == (2, 0)
    assert created.url == f"{kfp.url}/#/recurringrun/details/{created.id}"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"every": None, "cron": "0 0 0 30 2 *"}, "never fires"),
        ({"every": None, "cron": "0 2 * * *"}, "has 5 fields"),
        ({"every": None}, "needs either a cron expression or an interval"),
        ({"max_concurrency": 11}, "max_concurrency=11 is not possible"),
    ],
)
def test_schedules_are_checked_before_anything_is_sent(
    kfp: KfpStandIn, builder: StandInBuilder, options: Any, message: str
) -> None:
    with pytest.raises(ConfigError, match=message):
        create(kfp, builder, **options)
    assert (kfp.requests, builder.published) == ([], [])


def test_arguments_are_checked_before_anything_is_sent(kfp: KfpStandIn, builder: StandInBuilder) -> None:
    with pytest.raises(PipelineError, match="no parameter 'deep'"):
        create(kfp, builder, {"deep": 1})
    assert (kfp.requests, builder.published) == ([], [])


def test_a_name_that_is_taken_is_rejected_before_images_are_published(kfp: KfpStandIn, builder: StandInBuilder) -> None:
    first = create(kfp, builder)
    builder.published.clear()

    with pytest.raises(KfpError, match=f"there is a recurring run 'digits': {first.id}"):
        create(kfp, builder)
    assert builder.published == []
    assert create(kfp, builder, name="other", enabled=False).enabled is False
    assert len(kfp.versions) == 1


def test_recurring_runs_are_found_by_name_and_id(kfp: KfpStandIn, builder: StandInBuilder) -> None:
    created = create(kfp, builder, every=timedelta(hours=36))

    for key in (created.id, "digits"):
        found = RecurringRun.get(key, host=kfp.url)
        assert (found.id, found.schedule) == (created.id, "every 36 h")
    assert [one.name for one in RecurringRun.all(host=kfp.url)] == ["digits"]
    with pytest.raises(KfpError, match="there is no recurring run 'none'"):
        RecurringRun.get("none", host=kfp.url)


def test_a_name_of_several_recurring_runs_is_ambiguous(kfp: KfpStandIn, builder: StandInBuilder) -> None:
    create(kfp, builder)
    create(kfp, builder, name="second")
    for one in kfp.recurring.values():
        one.display_name = "digits"

    with pytest.raises(KfpError, match="there are 2 recurring runs 'digits'"):
        RecurringRun.get("digits", host=kfp.url)


def test_a_recurring_run_is_disabled_enabled_and_deleted(kfp: KfpStandIn, builder: StandInBuilder) -> None:
    created = create(kfp, builder)
    created.disable()
    assert not RecurringRun.get(created.id, host=kfp.url).enabled
    created.enable()
    assert RecurringRun.get(created.id, host=kfp.url).enabled
    created.delete()
    assert kfp.recurring == {}
    with pytest.raises(KfpError, match="cannot delete the recurring run digits: it does not exist"):
        created.delete()
