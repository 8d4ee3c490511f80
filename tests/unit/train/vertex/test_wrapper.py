"""`vertexjob` in a pipeline: compiled, run locally, and rejected."""

from __future__ import annotations

from pathlib import Path

import pytest
from kfp import dsl

import fairing_kfp
from fairing_kfp import fairing_component, vertexjob
from fairing_kfp.cache.store import Cache
from fairing_kfp.errors import ComponentError, ConfigError
from fairing_kfp.pipeline.builtin_steps import train_spec_of
from fairing_kfp.pipeline.trace import trace
from fairing_kfp.preprocess.source import OWN_IMAGE, OWN_IMAGES, VERTEX_IMAGE
from fairing_kfp.train.vertex.spec import VertexJobSpec
from tests.support.paths import TOP
from tests.support.stand_in_builder import StandInBuilder
from tests.support.vertex_steps import PIPELINE
from tests.support.yaml_documents import documents

_PLACE = {"project": "my-project", "region": "europe-west4", "staging": "gs://my-bucket/staging"}
_OWN = f"registry.example.com/me/own@sha256:{'2' * 64}"


def test_it_compiles_to_a_step_of_our_own_image_that_names_the_components_by_digest(cache: Cache) -> None:
    compiled = fairing_kfp.compile(
        fairing_kfp.load_pipeline(f"{PIPELINE}:digits"), builder=StandInBuilder(), cache=cache, own_image=_OWN
    )
    specification = documents(compiled.text)[0]
    containers = {name: one["container"] for name, one in specification["deploymentSpec"]["executors"].items()}
    ours = containers["exec-learn"]
    spec = train_spec_of(ours)

    assert isinstance(spec, VertexJobSpec)
    assert spec.image == compiled.images["learn"]
    assert (spec.nodes, spec.spot, spec.deadline) == (2, True, 3600)
    assert ours["image"] == _OWN
    assert ours["command"] == ["python3", "-m", "fairing_kfp.train.vertex"]
    assert not any(mark in compiled.text for mark in OWN_IMAGES)
    component = specification["components"]["comp-learn"]
    assert set(component["outputDefinitions"]["artifacts"]) == {"model", "notes"}
    passed = {one["field"]: one.get("applyToTask", False) for one in component["taskConfigPassthroughs"]}
    assert passed == {"RESOURCES": False, "ENV": True, "KUBERNETES_VOLUMES": True}


def test_local_run_is_one_process(cache: Cache, tmp_path: Path) -> None:
    events = []
    result = fairing_kfp.run(
        fairing_kfp.load_pipeline(f"{PIPELINE}:digits"), output=tmp_path, cache=cache, on_event=events.append
    )

    assert result.outputs["Output"] == 160
    assert [event.text for event in events if event.kind == "warn"] == [
        "learn runs here as one process; on Vertex AI it is a custom job of 2 machines"
    ]


def test_only_pipelines_on_vertex_ai_use_its_image() -> None:

    job = TOP / "samples" / "job" / "pipeline.py"

    assert trace(fairing_kfp.load_pipeline(f"{PIPELINE}:digits")).own_images == (VERTEX_IMAGE,)
    assert trace(fairing_kfp.load_pipeline(str(job))).own_images == (OWN_IMAGE,)


def test_other_objects_are_rejected() -> None:
    @dsl.component(base_image="python:3.12")
    def plain():
        pass

    with pytest.raises(ComponentError, match=r"vertexjob\('plain'\)"):
        vertexjob(plain, **_PLACE)


def test_secrets_of_kubernetes_are_rejected() -> None:
    @fairing_component(secrets={"HF_TOKEN": "huggingface/token"})
    def reads() -> int:
        return 1

    with pytest.raises(ComponentError, match="reads HF_TOKEN from a Secret of Kubernetes") as caught:
        vertexjob(reads, **_PLACE)
    assert "Secret Manager" in caught.value.remedy


def test_malformed_option_is_rejected_in_the_pipeline() -> None:
    @fairing_component
    def learns() -> int:
        return 1

    with pytest.raises(ConfigError, match="staging='my-bucket'"):
        vertexjob(learns, **{**_PLACE, "staging": "my-bucket"})


def test_unknown_options_are_rejected_with_those_that_exist() -> None:
    @fairing_component
    def learns() -> int:
        return 1

    with pytest.raises(ComponentError, match=r"vertexjob\(learns\): unknown option 'gpus'") as caught:
        vertexjob(learns, **_PLACE, gpus=1)
    assert "accelerators, deadline" in caught.value.remedy
