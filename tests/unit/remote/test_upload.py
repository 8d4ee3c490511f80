"""Uploading pipelines to Kubeflow Pipelines."""

from __future__ import annotations

from typing import Any

import kfp_server_api
import pytest

import fairing_kfp
from fairing_kfp.errors import ConfigError, FairingError, KfpError, UnavailableError
from fairing_kfp.remote.pipeline import PipelineDocument
from tests.support.kfp_stand_in import KfpStandIn
from tests.support.remote_pipelines import digits, searched
from tests.support.stand_in_builder import StandInBuilder


@pytest.fixture
def builder() -> StandInBuilder:
    return StandInBuilder()


def upload(kfp: KfpStandIn, builder: StandInBuilder, pipeline: Any = digits, **options: Any) -> fairing_kfp.Uploaded:
    return fairing_kfp.upload(pipeline, host=kfp.url, builder=builder, **options)


def test_a_pipeline_and_its_version_are_created(kfp: KfpStandIn, builder: StandInBuilder) -> None:
    uploaded = upload(kfp, builder, tags={"team": "vision"}, description="the first")

    (pipeline,), (version,) = kfp.pipelines.values(), kfp.versions.values()
    assert (pipeline.display_name, version.pipeline_id) == ("digits", pipeline.pipeline_id)
    assert version.display_name == uploaded.version
    assert version.tags == {"team": "vision"}
    assert uploaded.is_new
    assert uploaded.url == f"{kfp.url}/#/pipelines/details/{uploaded.pipeline_id}/version/{uploaded.version_id}"
    assert PipelineDocument.from_api(version.pipeline_spec).equals(PipelineDocument.from_yaml(uploaded.compiled.text))


def test_an_unchanged_pipeline_is_not_uploaded_twice(kfp: KfpStandIn, builder: StandInBuilder) -> None:
    first = upload(kfp, builder)
    posts = len(kfp.sent("POST"))
    second = upload(kfp, builder)

    assert (second.version_id, second.is_new) == (first.version_id, False)
    assert (len(kfp.versions), len(kfp.sent("POST"))) == (1, posts)


def test_a_changed_pipeline_is_another_version(kfp: KfpStandIn, builder: StandInBuilder) -> None:
    first = upload(kfp, builder, name="shared")
    second = upload(kfp, builder, searched, name="shared")

    assert first.pipeline_id == second.pipeline_id
    assert first.version != second.version
    assert [one.display_name for one in kfp.pipelines.values()] == ["shared"]


def test_a_version_with_other_content_is_rejected_before_images_are_published(
    kfp: KfpStandIn, builder: StandInBuilder
) -> None:
    upload(kfp, builder, name="shared", version="v1")
    requests = len(kfp.sent("POST"))
    builder.published.clear()

    with pytest.raises(KfpError, match="the pipeline shared has a version 'v1' with other content") as raised:
        upload(kfp, builder, searched, name="shared", version="v1")
    assert raised.value.status == 409
    assert (builder.published, len(kfp.sent("POST"))) == ([], requests)


def test_an_equal_version_of_a_given_name_is_kept(kfp: KfpStandIn, builder: StandInBuilder) -> None:
    upload(kfp, builder, version="v1")

    assert not upload(kfp, builder, version="v1").is_new
    assert len(kfp.versions) == 1


def test_tags_need_a_client_that_knows_them(
    kfp: KfpStandIn, builder: StandInBuilder, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = kfp_server_api.V2beta1PipelineVersion.openapi_types
    older = {name: kind for name, kind in known.items() if name != "tags"}
    monkeypatch.setattr(kfp_server_api.V2beta1PipelineVersion, "openapi_types", older)

    with pytest.raises(UnavailableError, match=r"tags need kfp-server-api 2\.17 or newer, but .* is installed"):
        upload(kfp, builder, tags={"team": "vision"})

    assert not builder.published
    assert not kfp.sent("POST")


def test_tags_are_added_to_a_version_that_exists(kfp: KfpStandIn, builder: StandInBuilder) -> None:
    upload(kfp, builder, tags={"team": "vision"})
    upload(kfp, builder, tags={"stage": "production"})
    upload(kfp, builder, tags={"team": "vision"})

    (version,) = kfp.versions.values()
    assert version.tags == {"team": "vision", "stage": "production"}
    assert len(kfp.sent("PATCH")) == 1


def test_a_pipeline_whose_version_cannot_be_uploaded_is_deleted_again(kfp: KfpStandIn, builder: StandInBuilder) -> None:
    kfp.broken = {"/apis/v2beta1/pipelines/upload_version"}

    with pytest.raises(KfpError, match=r"cannot upload the version .* of the pipeline digits.*the database is full"):
        upload(kfp, builder)
    assert kfp.pipelines == {}


def test_a_pipeline_that_existed_is_kept_if_an_upload_fails(kfp: KfpStandIn, builder: StandInBuilder) -> None:
    upload(kfp, builder, name="shared")
    kfp.broken = {"/apis/v2beta1/pipelines/upload_version"}

    with pytest.raises(KfpError, match="the database is full"):
        upload(kfp, builder, searched, name="shared")
    assert len(kfp.pipelines) == 1


def test_nothing_is_uploaded_if_images_cannot_be_published(kfp: KfpStandIn) -> None:
    class Broken(StandInBuilder):
        def publish(self, image: Any) -> str:
            raise FairingError("the registry is full", "free some space")

    with pytest.raises(FairingError, match="the registry is full"):
        upload(kfp, Broken())
    assert kfp.sent("POST") == []


def test_the_pipeline_is_created_in_the_namespace(kfp: KfpStandIn, builder: StandInBuilder) -> None:
    kfp.multi_user = True
    upload(kfp, builder, namespace="ann")

    assert [one.namespace for one in kfp.pipelines.values()] == ["ann"]


@pytest.mark.parametrize("names", [{"name": " "}, {"version": ""}])
def test_empty_names_are_rejected(kfp: KfpStandIn, builder: StandInBuilder, names: Any) -> None:
    with pytest.raises(ConfigError, match="is empty"):
        upload(kfp, builder, **names)
