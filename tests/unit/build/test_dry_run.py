from __future__ import annotations

from pathlib import Path

import pytest

from fairing_kfp.build.builder import Plan, PlannedLayer
from fairing_kfp.build.dry_run import DryRunBuilder
from fairing_kfp.errors import ImageError
from fairing_kfp.image import Image, Platform, Reference
from fairing_kfp.image.dockerfile import Dockerfile
from tests.stand_in_builder import StandInBuilder

IMAGE = Image("train", Reference.parse("python:3.12"), (), Platform("linux", "amd64"), (3, 12))


def test_an_image_gets_its_name_and_goes_nowhere() -> None:
    inner = StandInBuilder()
    dry = DryRunBuilder(inner)
    dry.check(IMAGE)

    assert dry.plan(IMAGE) == inner.plan(IMAGE)
    assert dry.publish(IMAGE) == inner.plan(IMAGE).reference
    assert inner.published == []


def test_no_name_is_given_that_cannot_be_known() -> None:
    class Unbuilt(StandInBuilder):
        def plan(self, image: Image) -> Plan:
            return Plan("localhost/me", "?", "?", (PlannedLayer("base", "", 0, "build"),), False, 0, 0)

    with pytest.raises(ImageError, match="what the image of train will be called is known when"):
        DryRunBuilder(Unbuilt()).publish(Image("train", Dockerfile(Path("/x")), (), IMAGE.platform, (3, 12)))
