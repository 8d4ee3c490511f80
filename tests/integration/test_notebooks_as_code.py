"""The notebooks of the corpus as steps: run here, and in the real image on Docker."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from kfp import dsl

import fairing_kfp
from fairing_kfp import fairing_component
from fairing_kfp.cache.store import Cache
from fairing_kfp.local.result import RunResult
from tests.support.notebook_files import Case, cases, printed
from tests.support.services import missing

CASES = {name: case for name, case in cases().items() if case.only != "full"}


def component(case: Case) -> Any:
    return fairing_component.from_notebook(str(case.path), mode="script", **case.options)


def pipeline() -> Any:
    """One step per notebook."""
    components = {name: component(case) for name, case in CASES.items()}

    @dsl.pipeline
    def notebooks():
        for name, one in components.items():
            one(**CASES[name].values)

    return notebooks


def assert_all_computed(result: RunResult) -> None:
    for name, case in CASES.items():
        assert printed(Path(result.step(name.replace("_", "-")).log).read_text()) == case.expected, name


@pytest.mark.docker
@pytest.mark.registry
def test_every_notebook_in_its_real_image(
    docker_engine: Callable[..., str], testbed_registry: str, base_image: str, shared_cache: Cache, tmp_path: Path
) -> None:
    if sys.version_info[:2] != (3, 11):
        missing("the testbed's base image has Python 3.11, which is not this one")
    result = fairing_kfp.run(
        pipeline(),
        runner="docker",
        registry=f"{testbed_registry}/tests",
        insecure=[testbed_registry],
        base_image=base_image,
        docker={"network_mode": "host"},
        cache=shared_cache,
        output=tmp_path,
    )

    assert_all_computed(result)
