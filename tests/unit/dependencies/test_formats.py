"""Formats of `packages=`: each is recognized, and anything else is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from fairing_kfp.dependencies.formats import find_format
from fairing_kfp.errors import ComponentError, DependencyError
from tests.support.packages import read_packages


@pytest.mark.parametrize("packages", ["numpy", "numpy scipy", "setup.py", "env.yml", "notes.txt", "", "environments"])
def test_unknown_format(packages: str) -> None:
    with pytest.raises(ComponentError, match="has an unknown format") as caught:
        find_format("step", packages, (), ())

    assert '"environment"' in caught.value.remedy
    assert "uv.lock" in caught.value.remedy


@pytest.mark.parametrize(
    ("packages", "example"),
    [
        ((), '["scikit-learn==1.7.*"]'),
        ("environment", '"environment"'),
        ("requirements.txt", '"requirements.txt"'),
        ("../requirements-gpu.txt", '"requirements.txt"'),
        ("dev-requirements.in", '"requirements.txt"'),
        ("requirements/train.txt", '"requirements.txt"'),
        ("sub/pyproject.toml", '"pyproject.toml"'),
        ("../../uv.lock", '"uv.lock"'),
    ],
)
def test_formats(packages: Any, example: str) -> None:
    assert find_format("step", packages, (), ()).example == example


@pytest.mark.parametrize("option", ["extras", "groups"])
def test_extras_and_groups_require_a_project(option: str) -> None:
    given_options: dict[str, Any] = {"extras": (), "groups": (), option: ("x",)}

    with pytest.raises(ComponentError, match=f"{option}= requires a project"):
        find_format("step", ("ant",), **given_options)


def test_missing_file(tmp_path: Path) -> None:
    with pytest.raises(DependencyError, match=r"there is no file .*requirements\.txt"):
        read_packages(tmp_path, "requirements.txt")


@pytest.mark.parametrize(
    ("packages", "spelling"),
    [
        (["requirements.txt"], 'packages="requirements.txt"'),
        (("-r requirements/train.txt",), 'packages="requirements/train.txt"'),
        (["--requirement=requirements-gpu.txt", "numpy"], 'packages="requirements-gpu.txt", and put numpy into'),
        (["pyproject.toml"], 'packages="pyproject.toml"'),
        (["numpy", "../uv.lock"], 'packages="../uv.lock", and put numpy into'),
        (["environment"], 'packages="environment"'),
    ],
)
def test_files_and_keywords_in_a_list_are_answered_with_the_right_spelling(packages: Any, spelling: str) -> None:
    with pytest.raises(ComponentError, match=r"is a list of requirements, and .* is none") as caught:
        find_format("step", packages, (), ())
    assert spelling in caught.value.remedy
