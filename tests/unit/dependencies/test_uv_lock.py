"""Projects' uv.lock, as uv exports it."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

import pytest

from fairing_kfp.dependencies import uv
from fairing_kfp.errors import DependencyError
from tests.support.packages import read_packages, write_files

ONE = f"sha256:{'1' * 64}"
PROJECT = '[project]\nname = "Demo.Project"\ndependencies = ["ant>=1"]\n'


def test_damaged_lock(tmp_path: Path) -> None:
    write_files(tmp_path, pyproject_TOML=PROJECT)
    (tmp_path / "uv.lock").write_text("version = ")

    with pytest.raises(DependencyError, match=re.escape(str(tmp_path / "uv.lock"))):
        read_packages(tmp_path, "uv.lock")


def test_own_code_is_omitted_and_a_local_wheel_is_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_files(tmp_path, pyproject_TOML=PROJECT)
    (tmp_path / "uv.lock").touch()
    text = f"-e ./lib\n./other ; os_name == 'posix'\nfile:///somewhere/else\nant==1 \\\n    --hash={ONE}\n"
    monkeypatch.setattr(uv, "run", lambda *_: text)
    assert read_packages(tmp_path, "uv.lock").lines == ("ant==1",)

    (tmp_path / "bee-1-py3-none-any.whl").write_bytes(b"a wheel")
    digest = f"sha256:{hashlib.sha256(b'a wheel').hexdigest()}"
    monkeypatch.setattr(uv, "run", lambda *_: f"{text}./bee-1-py3-none-any.whl \\\n    --hash={digest}\n")
    found = read_packages(tmp_path, "uv.lock")
    assert (found.lines, found.hashes) == (("ant==1", "bee==1"), {"ant==1": (ONE,), "bee==1": (digest,)})

    monkeypatch.setattr(uv, "run", lambda *_: f"{text}./bee-1-py3-none-any.whl \\\n    --hash={ONE}\n")
    with pytest.raises(DependencyError, match=r"the wheel .*bee-1-py3-none-any\.whl has none of its hashes"):
        read_packages(tmp_path, "uv.lock")


def test_a_projects_files_are_found_upward(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_files(tmp_path, pyproject_TOML=PROJECT)
    (tmp_path / "uv.lock").touch()
    deep = tmp_path / "pipelines" / "train"
    deep.mkdir(parents=True)
    asked = []
    monkeypatch.setattr(uv, "run", lambda arguments, *_: asked.append(arguments[-1]) or f"ant==1 --hash={ONE}\n")
    assert read_packages(deep, "uv.lock").lines == ("ant==1",)
    assert asked == [str(tmp_path)]
    assert read_packages(deep, "pyproject.toml").lines == ("ant>=1",)
    (deep / "pyproject.toml").write_text(PROJECT.replace("ant", "bee"))
    assert read_packages(deep, "pyproject.toml").lines == ("bee>=1",)
    with pytest.raises(DependencyError, match="there is no file"):
        read_packages(deep, "../uv.lock")


def test_a_member_of_a_workspace_has_its_own_dependencies(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_files(tmp_path, pyproject_TOML=f"{PROJECT}[tool.uv.workspace]\nmembers = ['apps/*']\n")
    (tmp_path / "uv.lock").touch()
    deep = tmp_path / "apps" / "train" / "pipelines"
    deep.mkdir(parents=True)
    (deep.parent / "pyproject.toml").write_text(PROJECT)
    asked = []
    monkeypatch.setattr(uv, "run", lambda arguments, *_: asked.append(arguments[-1]) or "")
    read_packages(deep, "uv.lock")
    read_packages(tmp_path / "apps", "uv.lock")
    assert asked == [str(deep.parent), str(tmp_path)]
