from __future__ import annotations

from pathlib import Path

import pytest

from fairing_kfp.builders.builder import Plan, PlannedLayer
from fairing_kfp.builders.dry_run import DryRunBuilder
from fairing_kfp.errors import ImageError
from fairing_kfp.image import Image, Platform, Reference
from fairing_kfp.image.dockerfile import Dockerfile
from tests.support.stand_in_builder import StandInBuilder

IMAGE = Image("train", Reference.parse("python:3.12"), (), Platform("linux", "amd64"), (3, 12))


def test_publishing_returns_the_planned_reference_and_sends_nothing() -> None:
    inner = StandInBuilder()
    dry = DryRunBuilder(inner)
    dry.check(IMAGE)

    assert dry.plan(IMAGE) == inner.plan(IMAGE)
    assert dry.publish(IMAGE) == inner.plan(IMAGE).reference
    assert inner.published == []


def test_a_reference_that_depends_on_a_missing_base() -> None:
    class Unbuilt(StandInBuilder):
        def plan(self, image: Image) -> Plan:
            return Plan("localhost/me", "?", "?", (PlannedLayer("base", "", 0, "build"),), False, 0, 0)

    with pytest.raises(ImageError, match="the reference of train is unknown until"):
        DryRunBuilder(Unbuilt()).publish(Image("train", Dockerfile(Path("/x")), (), IMAGE.platform, (3, 12)))
