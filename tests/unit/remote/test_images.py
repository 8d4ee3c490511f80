"""Builders whose images a cluster can pull."""

from __future__ import annotations

from typing import Any

import pytest

import fairing_kfp
from fairing_kfp.errors import ConfigError
from fairing_kfp.pipeline.trace import trace
from fairing_kfp.remote.images import check_builders
from fairing_kfp.settings import Settings
from tests.support.kfp_stand_in import KfpStandIn
from tests.support.remote_pipelines import digits
from tests.support.small_pipelines import mixed


@pytest.mark.parametrize("builder", ["dry-run", "layout:images", "docker", "podman"])
@pytest.mark.parametrize("act", [fairing_kfp.submit, fairing_kfp.upload])
def test_images_that_no_cluster_can_pull_are_rejected_before_anything_is_sent(
    kfp: KfpStandIn, builder: str, act: Any
) -> None:
    with pytest.raises(ConfigError, match=f"the builder {builder} does not push images to a registry"):
        act(digits, host=kfp.url, builder=builder)
    assert kfp.requests == []


def test_a_component_may_not_choose_such_a_builder_either() -> None:
    with pytest.raises(ConfigError, match="the builder dry-run does not push"):
        check_builders(trace(mixed), Settings())


@pytest.mark.parametrize("builder", [None, "append", "docker", "podman"])
def test_builders_that_push_are_accepted(builder: str | None) -> None:
    check_builders(trace(digits), Settings(builder=builder, registry="registry.example.com/me"))
