"""Projects: the dependencies in pyproject.toml, with those of extras and groups."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from fairing_kfp.errors import DependencyError
from tests.support.packages import read_packages, write_files

PROJECT = """
[project]
name = "Demo.Project"
dependencies = ["ant>=1"]
[project.optional-dependencies]
Web_UI = ["bee"]
all = ["demo-project[web-ui]", "cow"]
loop = ["demo_project[loop]", "dog"]
[dependency-groups]
Test_Tools = ["elk", {include-group = "lint"}]
lint = ["fox"]
round = [{include-group = "trip"}]
trip = [{include-group = "round"}]
wrong = [{path = "x"}]
"""


@pytest.mark.parametrize(
    ("extras", "groups", "lines"),
    [
        ((), (), ("ant>=1",)),
        (("web.ui",), (), ("ant>=1", "bee")),
        (("all",), (), ("ant>=1", "bee", "cow")),
        (("loop",), (), ("ant>=1", "dog")),
        ((), ("test-tools",), ("ant>=1", "elk", "fox")),
        (("all",), ("lint",), ("ant>=1", "bee", "cow", "fox")),
    ],
)
def test_extras_and_groups(tmp_path: Path, extras: Any, groups: Any, lines: tuple[str, ...]) -> None:
    write_files(tmp_path, pyproject_TOML=PROJECT)

    assert read_packages(tmp_path, "pyproject.toml", extras=extras, groups=groups).lines == lines


@pytest.mark.parametrize(
    ("more", "options", "says"),
    [
        ("", {"extras": ("nope",)}, "has no extra 'nope'"),
        ("", {"groups": ("nope",)}, "has no group 'nope'"),
        ("", {"groups": ("round",)}, "includes itself"),
        ("", {"groups": ("wrong",)}, "the group wrong contains"),
        ("[tool.uv.sources]\nant = {git = 'https://example.com'}\n", {}, "[tool.uv.sources] does not take ant"),
        ("[tool.uv.sources]\nant = [{path = '../ant'}]\n", {}, "[tool.uv.sources] does not take ant"),
        ("[", {}, "is not valid TOML"),
    ],
)
def test_unsupported_projects(tmp_path: Path, more: str, options: dict[str, Any], says: str) -> None:
    write_files(tmp_path, pyproject_TOML=PROJECT + more)

    with pytest.raises(DependencyError, match=re.escape(says)) as caught:
        read_packages(tmp_path, "pyproject.toml", **options)

    assert caught.value.remedy


def test_index_source_is_kept(tmp_path: Path) -> None:
    write_files(
        tmp_path, pyproject_TOML=PROJECT + "[tool.uv.sources]\nant = {index = 'own'}\nbee = {path = '../bee'}\n"
    )

    found = read_packages(tmp_path, "pyproject.toml")
    assert found.lines == ("ant>=1",)
    assert found.lock_lines == ("ant>=1", "ant @ index:own")


def test_dynamic_dependencies_are_refused(tmp_path: Path) -> None:
    write_files(tmp_path, pyproject_TOML='[project]\nname = "demo"\ndynamic = ["dependencies"]\n')

    with pytest.raises(DependencyError, match="the dependencies are dynamic"):
        read_packages(tmp_path, "pyproject.toml")
