"""Local wheels among requirements: taken by path, locked by hash."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from fairing_kfp.dependencies.local_wheel import local_wheel
from fairing_kfp.dependencies.pipeline_lock import PipelineLock
from fairing_kfp.dependencies.requirements import Requirements
from fairing_kfp.dependencies.target import Target
from fairing_kfp.dependencies.unpacked import unpack_each
from fairing_kfp.errors import DependencyError
from tests.support.packages import read_packages
from tests.support.shelf import Shelf

NAME = "Ant_Farm-1.0-py3-none-any.whl"
AMD = Target.for_image((3, 12))


@pytest.fixture
def wheel(tmp_path: Path) -> Path:
    path = tmp_path / "project" / "dist" / NAME
    path.parent.mkdir(parents=True)
    path.write_bytes(b"a wheel")
    return path


@pytest.mark.parametrize(
    ("line", "required"),
    [
        (f"dist/{NAME}", "ant-farm==1.0"),
        (f"./dist/{NAME}", "ant-farm==1.0"),
        (f"../project/dist/{NAME}", "ant-farm==1.0"),
        (f"ant.farm @ ./dist/{NAME}", "ant-farm==1.0"),
        (f"ant_farm[legs, eyes] @ file:./dist/{NAME}", "ant-farm[legs,eyes]==1.0"),
        (f"dist/{NAME}[legs]", "ant-farm[legs]==1.0"),
        (f"dist/{NAME} ; python_version < '4'", "ant-farm==1.0; python_version < '4'"),
        ("file://{folder}/dist/" + NAME, "ant-farm==1.0"),
        ("{folder}/dist/" + NAME, "ant-farm==1.0"),
    ],
)
def test_spellings(line: str, required: str, wheel: Path) -> None:
    found = local_wheel(line.replace("{folder}", str(wheel.parent.parent)), wheel.parent.parent)
    assert found is not None
    assert found.line == required
    assert Path(found.path).samefile(wheel)
    assert found.digest == f"sha256:{hashlib.sha256(b'a wheel').hexdigest()}"


@pytest.mark.parametrize(
    "line", ["ant", "ant==1.0", "https://example.com/ant-1-py3-none-any.whl", "ant @ git+https://x/a.whl", "./lib"]
)
def test_other_requirements(line: str, tmp_path: Path) -> None:
    assert local_wheel(line, tmp_path) is None


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("dist/absent-1-py3-none-any.whl", "dist/absent-1-py3-none-any.whl cannot be read: No such file"),
        ("dist/short.whl", "short.whl is not the name of a wheel"),
        (f"bee @ dist/{NAME}", "is of ant-farm, not of bee"),
    ],
)
def test_wheels_that_cannot_be_taken(line: str, message: str, wheel: Path) -> None:
    (wheel.parent / "short.whl").touch()
    with pytest.raises(DependencyError, match=message):
        local_wheel(line, wheel.parent.parent)


def test_a_local_wheel_with_its_dependencies_is_locked_and_unpacked(shelf: Shelf, tmp_path: Path) -> None:
    from fairing_kfp.cache.store import Cache

    own = Shelf(tmp_path / "dist")
    own.wheel("ant", "1.0", needs=["bee"])
    shelf.wheel("ant", "1.0", files={"other.py": ""})  # the index has another file of that name
    shelf.wheel("bee")
    (own.folder / "broken-1-py3-none-any.whl").touch()  # is not looked at
    path = own.folder / "ant-1.0-py3-none-any.whl"
    digest = f"sha256:{hashlib.sha256(path.read_bytes()).hexdigest()}"

    wanted = read_packages(tmp_path, ["./dist/ant-1.0-py3-none-any.whl"])
    locks = PipelineLock(Cache(tmp_path / "cache"), tmp_path / "fairing.lock", "digits")
    lock = locks.lock(wanted, AMD)
    assert lock.requirements == ("ant==1.0", "bee==1.0")
    assert lock.pins["ant"].hashes == (digest,)
    locks.save()
    text = (tmp_path / "fairing.lock").read_text()
    assert str(tmp_path) not in text
    assert f'"ant @ {digest}"' in text

    cache = Cache(tmp_path / "another")
    again = PipelineLock(cache, tmp_path / "fairing.lock", "digits").lock(wanted, AMD)
    assert not (unpack_each(again, cache)["ant"] / "other.py").exists()

    own.wheel("ant", "1.0", files={"more.py": ""}, needs=["bee"])
    rebuilt = read_packages(tmp_path, ["./dist/ant-1.0-py3-none-any.whl"])
    assert rebuilt.lock_lines != wanted.lock_lines


def test_wheels_in_requirements_files(wheel: Path) -> None:
    folder = wheel.parent.parent
    digest = f"sha256:{hashlib.sha256(b'a wheel').hexdigest()}"
    other = f"sha256:{'1' * 64}"
    (folder / "requirements.txt").write_text("bee==2\n-r more/requirements.txt\n")
    (folder / "more").mkdir()
    (folder / "more" / "requirements.txt").write_text(f"../dist/{NAME}\n")
    found = read_packages(folder, "requirements.txt")
    assert (found.lines, found.hashes, [one.digest for one in found.wheels]) == (
        ("ant-farm==1.0", "bee==2"),
        {},
        [digest],
    )
    (folder / "requirements.txt").write_text(f"bee==2 --hash={other}\n./dist/{NAME}\n")
    assert read_packages(folder, "requirements.txt").hashes == {"ant-farm==1": (digest,), "bee==2": (other,)}


def test_provided_packages_have_no_files() -> None:
    with pytest.raises(DependencyError, match="is a local path"):
        Requirements.parse(["ant"], provided=[f"./{NAME}"])
