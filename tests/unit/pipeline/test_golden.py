"""Compiled pipelines, compared with those that are checked in; `make golden` writes them anew."""

from __future__ import annotations

from fairing_kfp import compile, load_pipeline
from fairing_kfp.cache.store import Cache
from tests.golden import PIPELINES, assert_golden
from tests.support.stand_in_builder import StandInBuilder


def test_control_flow_compiles_to_its_golden_yaml(cache: Cache) -> None:
    compiled = compile(load_pipeline(PIPELINES["control-flow"]), builder=StandInBuilder(), cache=cache)

    assert_golden("control-flow", compiled.text)


def test_images_that_differ_are_named_apart_and_the_yaml_holds_no_code(cache: Cache) -> None:
    compiled = compile(load_pipeline(PIPELINES["control-flow"]), builder=StandInBuilder(), cache=cache)

    assert len(set(compiled.images.values())) == len(compiled.images) == 6
    assert "fairing://" not in compiled.text
    assert "def " not in compiled.text
    assert "base64" not in compiled.text
