"""Submitting pipelines to Kubeflow Pipelines."""

from functools import partial
from pathlib import Path
from typing import Any

import pytest
from kfp import dsl

import fairing_kfp
from fairing_kfp.errors import ConfigError, FairingError, KfpError, PipelineError, SecretError
from tests.support.kfp_stand_in import KfpStandIn, serve_kfp
from tests.support.made_up_secrets import HIGH
from tests.support.remote_pipelines import digits, read, with_text
from tests.support.stand_in_builder import StandInBuilder


@dsl.pipeline
def with_secret(password: str = HIGH):
    read(table=password)


@pytest.fixture
def builder() -> StandInBuilder:
    return StandInBuilder()


def submit(kfp: KfpStandIn, builder: StandInBuilder, arguments: Any = None, **settings: Any) -> fairing_kfp.Run:
    return fairing_kfp.submit(digits, arguments, host=kfp.url, builder=builder, **settings)


def test_the_run_has_images_by_digest_and_typed_arguments(kfp: KfpStandIn, builder: StandInBuilder) -> None:
    run = submit(kfp, builder, {"depth": "6"}, name="tonight", experiment="digits", service_account="trainer")

    (sent,) = kfp.runs.values()
    assert (run.id, run.name, sent.display_name) == (sent.run_id, "tonight", "tonight")
    assert sent.service_account == "trainer"
    assert sent.runtime_config.parameters == {"depth": 6}
    images = {one["container"]["image"] for one in sent.pipeline_spec["deploymentSpec"]["executors"].values()}
    assert run.compiled is not None
    assert images == set(run.compiled.images.values())
    assert kfp.experiments[sent.experiment_id].display_name == "digits"
    assert run.url == f"{kfp.url}/#/runs/details/{run.id}"


def test_an_experiment_is_created_once(kfp: KfpStandIn, builder: StandInBuilder) -> None:
    submit(kfp, builder)
    submit(kfp, builder)

    assert [one.display_name for one in kfp.experiments.values()] == ["Default"]
    assert {run.experiment_id for run in kfp.runs.values()} == set(kfp.experiments)


def test_an_archived_experiment_is_rejected_before_images_are_published(
    kfp: KfpStandIn, builder: StandInBuilder
) -> None:
    submit(kfp, builder)
    next(iter(kfp.experiments.values())).storage_state = "ARCHIVED"
    builder.published.clear()

    with pytest.raises(KfpError, match="the experiment Default is archived"):
        submit(kfp, builder)
    assert builder.published == []


@pytest.mark.parametrize("reuse", [True, False])
def test_the_cache_is_turned_off_for_all_tasks(kfp: KfpStandIn, builder: StandInBuilder, reuse: bool) -> None:
    submit(kfp, builder, reuse=reuse)

    (sent,) = kfp.runs.values()
    document = sent.pipeline_spec
    graphs = [one["dag"]["tasks"] for one in (document["root"], *document["components"].values()) if "dag" in one]
    assert len(graphs) == 2
    cached = [task.get("cachingOptions", {}).get("enableCache", False) for tasks in graphs for task in tasks.values()]
    assert cached.count(True) == (3 if reuse else 0)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"deep": 1}, "no parameter 'deep'"),
        ({"depth": "much"}, "depth='much' is not of the type integer"),
        ({"depth": 1.5}, r"depth=1\.5 is not of the type integer"),
    ],
)
def test_arguments_are_checked_before_anything_is_sent(
    kfp: KfpStandIn, builder: StandInBuilder, arguments: Any, message: str
) -> None:
    with pytest.raises(PipelineError, match=message):
        submit(kfp, builder, arguments)
    assert (kfp.requests, builder.published) == ([], [])


def test_nothing_is_published_if_the_host_does_not_answer(builder: StandInBuilder) -> None:
    with serve_kfp() as gone:
        pass
    with pytest.raises(KfpError, match=rf"cannot reach Kubeflow Pipelines at {gone.url}.*refused") as raised:
        submit(gone, builder)
    assert "port-forward" in raised.value.remedy
    assert builder.published == []


def test_nothing_is_published_without_a_host(builder: StandInBuilder) -> None:
    with pytest.raises(ConfigError, match="no host of Kubeflow Pipelines is set") as raised:
        fairing_kfp.submit(digits, builder=builder)
    assert "--host" in raised.value.remedy
    assert builder.published == []


def test_nothing_is_created_if_images_cannot_be_published(kfp: KfpStandIn) -> None:
    class Broken(StandInBuilder):
        def publish(self, image: Any) -> str:
            raise FairingError("the registry is full", "free some space")

    with pytest.raises(FairingError, match="the registry is full"):
        submit(kfp, Broken())
    assert kfp.sent("POST") == []


def test_settings_come_from_pyproject(
    kfp: KfpStandIn, builder: StandInBuilder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "pyproject.toml").write_text(
        f'[tool.fairing-kfp]\nhost = "{kfp.url}"\nexperiment = "nightly"\nservice-account = "trainer"\n'
    )
    fairing_kfp.submit(digits, builder=builder, start=tmp_path)
    (run,) = kfp.runs.values()
    assert (kfp.experiments[run.experiment_id].display_name, run.service_account) == ("nightly", "trainer")

    monkeypatch.setenv("FAIRING_KFP_EXPERIMENT", "daily")
    fairing_kfp.submit(digits, builder=builder, start=tmp_path)
    assert {one.display_name for one in kfp.experiments.values()} == {"nightly", "daily"}


def test_a_credential_in_an_argument_or_in_the_pipeline_is_refused_before_anything_is_sent(
    kfp: KfpStandIn, builder: StandInBuilder
) -> None:
    arguments = {"table": f"postgres://me:{HIGH}@db.internal/digits"}
    for pipeline, given in ((with_text, arguments), (with_secret, {})):
        for send in (fairing_kfp.submit, partial(fairing_kfp.RecurringRun.create, every="1h")):
            with pytest.raises(SecretError) as raised:
                send(pipeline, given, host=kfp.url, builder=builder)
            assert HIGH not in str(raised.value)
        with pytest.raises(SecretError):
            fairing_kfp.upload(with_secret, host=kfp.url, builder=builder)
    for options in ({"description": f"password: {HIGH}"}, {"tags": {"api_key": HIGH}}):
        with pytest.raises(SecretError):
            fairing_kfp.upload(digits, host=kfp.url, builder=builder, **options)
    assert builder.published == []
    assert kfp.sent("POST") == []
    assert fairing_kfp.submit(with_text, arguments, host=kfp.url, builder=builder, allow_secrets=["table"]).id
