"""`vertexjob` in a pipeline: compiled, run here, and refused."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from kfp import dsl

import fairing_kfp
from fairing_kfp import fairing_component, vertexjob
from fairing_kfp.build.cache import Cache
from fairing_kfp.errors import ComponentError, ConfigError
from fairing_kfp.own_step import OWN_IMAGES, VERTEX_IMAGE, order_of
from fairing_kfp.train.vertex.order import VertexOrder
from tests.stand_in_builder import StandInBuilder
from tests.vertex_steps import PIPELINE

_PLACE = {"project": "my-project", "region": "europe-west4", "staging": "gs://my-bucket/staging"}
_OWN = f"registry.example.com/me/own@sha256:{'2' * 64}"


def test_it_compiles_to_a_step_of_our_own_image_that_names_the_components_by_digest(cache: Cache) -> None:
    compiled = fairing_kfp.compile(
        fairing_kfp.load_pipeline(f"{PIPELINE}:digits"), builder=StandInBuilder(), cache=cache, own_image=_OWN
    )
    specification = next(yaml.safe_load_all(compiled.text))
    containers = {name: one["container"] for name, one in specification["deploymentSpec"]["executors"].items()}
    ours = containers["exec-learn"]
    order = order_of(ours)

    assert isinstance(order, VertexOrder)
    assert order.image == compiled.images["learn"]
    assert (order.nodes, order.spot, order.deadline) == (2, True, 3600)
    assert ours["image"] == _OWN
    assert ours["command"] == ["python3", "-m", "fairing_kfp.train.vertex"]
    assert not any(mark in compiled.text for mark in OWN_IMAGES)
    component = specification["components"]["comp-learn"]
    assert set(component["outputDefinitions"]["artifacts"]) == {"model", "notes"}
    passed = {one["field"]: one.get("applyToTask", False) for one in component["taskConfigPassthroughs"]}
    assert passed == {"RESOURCES": False, "ENV": True, "KUBERNETES_VOLUMES": True}


def test_it_runs_here_as_one_process_and_says_so(cache: Cache, tmp_path: Path) -> None:
    told = []
    result = fairing_kfp.run(
        fairing_kfp.load_pipeline(f"{PIPELINE}:digits"), output=tmp_path, cache=cache, tell=told.append
    )

    assert result.outputs["Output"] == 160
    assert [event.text for event in told if event.kind == "warn"] == [
        "learn runs here as one process; on Vertex AI it is a custom job of 2 machines"
    ]


def test_only_pipelines_on_vertex_hold_the_mark_of_its_image() -> None:
    from fairing_kfp.pipeline import traced

    job = Path(__file__).parents[4] / "samples" / "job" / "pipeline.py"

    assert VERTEX_IMAGE in traced(fairing_kfp.load_pipeline(f"{PIPELINE}:digits"))
    assert VERTEX_IMAGE not in traced(fairing_kfp.load_pipeline(str(job)))


def test_what_is_no_component_of_ours_is_refused() -> None:
    @dsl.component(base_image="python:3.12")
    def plain():
        pass

    with pytest.raises(ComponentError, match=r"vertexjob\('plain'\)"):
        vertexjob(plain, **_PLACE)


def test_secrets_of_kubernetes_are_refused() -> None:
    @fairing_component(secrets={"HF_TOKEN": "huggingface/token"})
    def reads() -> int:
        return 1

    with pytest.raises(ComponentError, match="reads HF_TOKEN from a Secret of Kubernetes") as caught:
        vertexjob(reads, **_PLACE)
    assert "Secret Manager" in caught.value.remedy


def test_a_malformed_option_is_refused_in_the_pipeline() -> None:
    @fairing_component
    def learns() -> int:
        return 1

    with pytest.raises(ConfigError, match="staging='my-bucket'"):
        vertexjob(learns, **{**_PLACE, "staging": "my-bucket"})
