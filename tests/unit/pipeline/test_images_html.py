"""Compiled and explained images in a notebook."""

from __future__ import annotations

import fairing_kfp
from fairing_kfp.cache.store import Cache
from fairing_kfp.pipeline.compile import Compiled
from tests.support.small_pipelines import names_an_image
from tests.support.stand_in_builder import StandInBuilder


def test_images_with_what_they_share(cache: Cache) -> None:
    explained = fairing_kfp.explain(names_an_image, cache=cache)
    html = explained._repr_html_()

    assert repr(list(explained)) == "[<Explained one>, <Explained two>]"
    assert html.count("shared by 2 images") == 2
    assert "<td>code</td>" in html
    assert "shared by" not in explained[0]._repr_html_()


def test_a_compiled_pipeline(cache: Cache) -> None:
    compiled = fairing_kfp.compile(names_an_image, builder=StandInBuilder(), cache=cache)
    html = compiled._repr_html_()

    assert repr(compiled) == "<Compiled: images of one, two>"
    assert "<svg" in html
    assert "<td><b>one</b></td>" in html
    assert "pipelineInfo" in html


def test_warnings_and_a_large_pipeline() -> None:
    html = Compiled("x: [" * 50_000, {"one": "r@sha256:" + "a" * 64}, ("mind <b>",), ("one",))._repr_html_()

    assert "mind &lt;b&gt;" in html
    assert "<code>r@sha256:aaaaaaaaaaaa…</code></td><td>planned</td>" in html
    assert len(html) < 10_000
