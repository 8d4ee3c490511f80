"""Metadata of own packages that are installed in editable mode."""

from __future__ import annotations

import json
import sys
import types
from collections.abc import Callable
from importlib import metadata
from pathlib import Path

import pytest

from fairing_kfp.preprocess.function import FunctionSource

Author = Callable[..., types.ModuleType]
POINTS = "[console_scripts]\nlab = lab.main:main\n"


@pytest.fixture
def editable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """An own project `lab-tools` in `tmp_path`, installed in editable mode."""
    info = tmp_path / "lib" / "site-packages" / "lab_tools-1.2.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.4\nName: lab-tools\nVersion: 1.2\nSummary: by some tool\n")
    (info / "RECORD").write_text("")
    (info / "entry_points.txt").write_text(POINTS)
    (info / "direct_url.json").write_text(json.dumps({"url": tmp_path.as_uri(), "dir_info": {"editable": True}}))
    monkeypatch.setattr(sys, "path", [*sys.path, str(info.parent)])
    return "lab_tools-1.2.dist-info"


def packed(function: object, modules: tuple[str, ...] = ()) -> dict[str, bytes]:
    bundle = FunctionSource(function, {}, modules).bundle("step")  # type: ignore[arg-type]
    places = {file.path.partition("modules/")[2]: file.data for file in bundle.files}
    return {place: data for place, data in places.items() if ".dist-info/" in place}


@pytest.mark.parametrize(
    ("files", "modules"),
    [
        ({"lab__main": "from importlib.metadata import version\nv = version('lab-tools')\n"}, ()),
        ({"lab__main": "import importlib.metadata as m\ndef main(): return m.version('lab-tools')\n"}, ()),
        (
            {"lab__main": "def main():\n    from importlib import metadata\n    return metadata\n"},
            (),
        ),
        ({"lab__main": "if False:\n    import pkg_resources\n"}, ()),
        ({"lab__main": "", "lab__about": "import importlib.metadata\n"}, ("lab",)),
    ],
    ids=["in a module", "by an alias", "in a function", "setuptools", "in a package of modules="],
)
def test_the_version_and_entry_points_travel(
    files: dict[str, str], modules: tuple[str, ...], editable: str, author: Author
) -> None:
    flow = author(flow="import fairing_kfp\nimport lab.main\ndef step(): return lab.main\n", **files, lab____init__="")
    assert packed(flow.step, modules) == {
        f"{editable}/METADATA": b"Metadata-Version: 2.1\nName: lab-tools\nVersion: 1.2\n",
        f"{editable}/entry_points.txt": POINTS.encode(),
    }


def test_the_step_finds_its_version(editable: str, author: Author, tmp_path: Path) -> None:
    flow = author(
        flow="""
        import fairing_kfp
        from importlib.metadata import entry_points, version
        import lab
        def step():
            return version("lab-tools"), [one.name for one in entry_points(group="console_scripts")], lab
        """,
        lab____init__="",
    )
    place = tmp_path / "step"
    for path, data in packed(flow.step).items():
        (place / path).parent.mkdir(parents=True, exist_ok=True)
        (place / path).write_bytes(data)
    (found,) = metadata.distributions(path=[str(place)])
    assert (found.version, [one.name for one in found.entry_points]) == ("1.2", ["lab"])


def test_nothing_travels_unless_it_is_read(editable: str, author: Author) -> None:
    flow = author(flow="import fairing_kfp, lab\ndef step(): return lab\n", lab____init__="import json\n")
    assert packed(flow.step) == {}


def test_metadata_of_installed_packages_stays_home(author: Author) -> None:
    flow = author(flow="import fairing_kfp, lab\ndef step(): return lab\n", lab____init__="import importlib.metadata\n")
    assert packed(flow.step) == {}


def test_metadata_beside_the_code(author: Author, tmp_path: Path) -> None:
    (tmp_path / "lab.egg-info").mkdir()
    (tmp_path / "lab.egg-info" / "PKG-INFO").write_text("Metadata-Version: 2.1\nName: lab\nVersion: 3\n")
    flow = author(flow="import fairing_kfp, lab\ndef step(): return lab\n", lab____init__="import importlib.metadata\n")
    assert packed(flow.step) == {"lab-3.dist-info/METADATA": b"Metadata-Version: 2.1\nName: lab\nVersion: 3\n"}
