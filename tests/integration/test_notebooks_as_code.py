"""Notebooks of the corpus as steps, in the real image on Docker."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from kfp import dsl

import fairing_kfp
from fairing_kfp import fairing_component
from fairing_kfp.cache.store import Cache
from fairing_kfp.local.result import RunResult
from tests.support.notebook_files import Case, cases, printed

CASES = {name: case for name, case in cases().items() if case.only != "full"}
SOME = (
    *("cell_magics", "data_file", "display", "fire_class", "own_module", "parameters_given", "shell_lines"),
    "writefile",
)
"""Notebooks with files, modules, packages or arguments; the others repeat what their scripts compute anywhere."""


def component(case: Case) -> Any:
    return fairing_component.from_notebook(str(case.path), mode="script", **case.options)


def pipeline(names: Iterable[str]) -> Any:
    """One step per notebook."""
    components = {name: component(CASES[name]) for name in names}

    @dsl.pipeline
    def notebooks():
        for name, one in components.items():
            one(**CASES[name].values)

    return notebooks


def assert_all_computed(result: RunResult, names: Iterable[str]) -> None:
    for name in names:
        log = Path(result.step(name.replace("_", "-")).log).read_text()
        assert printed(log) == CASES[name].expected, name


@pytest.mark.docker
@pytest.mark.registry
@pytest.mark.parametrize("names", [SOME, pytest.param(tuple(CASES), marks=pytest.mark.exhaustive)], ids=["some", "all"])
def test_notebooks_in_their_real_image(
    docker_options: dict[str, Any],
    shared_cache: Cache,
    tmp_path: Path,
    names: tuple[str, ...],
) -> None:
    result = fairing_kfp.run(pipeline(names), cache=shared_cache, output=tmp_path, **docker_options)

    assert_all_computed(result, names)
