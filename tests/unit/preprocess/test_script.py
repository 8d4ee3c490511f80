"""Scripts → bundles."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from fairing_kfp import fairing_component
from fairing_kfp.errors import ComponentError, PackError, SecretError
from fairing_kfp.preprocess.bundle import Bundle
from fairing_kfp.preprocess.source import components


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    files = {
        "train.py": "import helpers, json\nfrom pkg import part\nprint(helpers.X)\n",
        "helpers.py": "import deeper\nX = 1\n",
        "deeper.py": "",
        "unused.py": "",
        "pkg/__init__.py": "",
        "pkg/part.py": "from . import other\n",
        "pkg/other.py": "",
        "pkg/unused.py": "",
        "data/a.csv": "a",
        "data/b.txt": "b",
        "json.py": "",
    }
    for name, text in files.items():
        (tmp_path / "job" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "job" / name).write_text(text)
    return tmp_path / "job"


def bundle(*arguments: Any, **options: Any) -> Bundle:
    """What a script is packed into."""
    fairing_component.from_script(*arguments, **options)
    source = components()[-1]
    return source.code.bundle(source.name)


def places(packed: Bundle) -> list[str]:
    return [file.path.removeprefix("opt/fairing/code/") for file in packed.files]


OWN = ["deeper.py", "helpers.py", "json.py", "pkg/__init__.py", "pkg/other.py", "pkg/part.py", "train.py"]


def test_own_modules_travel_and_nothing_else(folder: Path) -> None:
    packed = bundle(str(folder / "train.py"))

    assert places(packed) == [*(f"files/{name}" for name in OWN), "function.pickle", "step.json"]


def test_files_keep_their_places_below_the_root(folder: Path) -> None:
    packed = bundle(str(folder / "train.py"), root=str(folder.parent), include=["job/data"], exclude=["**/*.txt"])

    found = places(packed)
    assert "files/job/train.py" in found
    assert "files/job/data/a.csv" in found
    assert "files/job/data/b.txt" not in found


def test_module_is_run_from_the_folder_above_its_package(folder: Path) -> None:
    packed = bundle(module="pkg.part", root=str(folder))

    assert places(packed)[:3] == ["files/pkg/__init__.py", "files/pkg/other.py", "files/pkg/part.py"]


def test_same_script_gives_the_same_bytes_in_another_folder(folder: Path, tmp_path: Path) -> None:
    shutil.copytree(folder, tmp_path / "elsewhere" / "other")
    options = {"include": ["data"], "arguments": {"--depth": 8}}

    one, other = (
        bundle(str(folder / "train.py"), **options),
        bundle(str(tmp_path / "elsewhere/other/train.py"), **options),
    )

    assert one.files == other.files
    (folder / "helpers.py").write_text("X = 2\n")
    assert bundle(str(folder / "train.py"), **options).files != other.files


def test_pickle_holds_no_path_of_this_machine(folder: Path) -> None:
    packed = bundle(str(folder / "train.py"))

    assert not [file for file in packed.files if str(folder).encode() in file.data]


@pytest.mark.parametrize("place", ["train.py", "helpers.py", "data/a.csv"])
def test_what_looks_like_a_credential_is_refused(folder: Path, place: str) -> None:
    key = "AK" + "IA" + "Z7Q4" * 4
    (folder / place).write_text(f"{(folder / place).read_text()}\n# {key}\n")

    with pytest.raises(SecretError, match=Path(place).name) as caught:
        bundle(str(folder / "train.py"), include=["data/a.csv"])
    assert key not in str(caught.value)


def test_links_that_leave_the_folder_are_refused(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "outside.py").write_text("")
    (folder / "deeper.py").unlink()
    (folder / "deeper.py").symlink_to(tmp_path / "outside.py")

    with pytest.raises(PackError, match="points outside"):
        bundle(str(folder / "train.py"))


@pytest.mark.parametrize(
    ("arguments", "options", "expected"),
    [
        (["missing.py"], {}, "there is no script .*missing.py"),
        (["job/train.py"], {"module": "pkg.part"}, "either a script or a module"),
        ([], {}, "either a script or a module"),
        (["job/train.py"], {"root": "job/pkg"}, "not in root='job/pkg'"),
        (["job/train.py"], {"root": "nowhere"}, "no folder .*nowhere"),
        ([], {"module": "pkg.missing", "root": "job"}, "no module pkg.missing"),
        (["job/train.py"], {"command": "learn"}, "no sub-command 'learn'"),
        (["job/train.py"], {"color": "red"}, "unknown option 'color'"),
    ],
)
def test_faults_are_named_at_once(folder: Path, arguments: list[str], options: dict[str, Any], expected: str) -> None:
    base = folder.parent
    options = {**options, **({"root": str(base / options["root"])} if "root" in options else {})}
    expected = expected.replace("'job/pkg'", repr(str(base / "job/pkg")))

    with pytest.raises(ComponentError, match=expected):
        fairing_component.from_script(*(str(base / argument) for argument in arguments), **options)


def test_syntax_error_is_named_at_once(folder: Path) -> None:
    (folder / "train.py").write_text("print(\n")

    with pytest.raises(ComponentError, match=r"train\.py, line 1 is not valid Python"):
        fairing_component.from_script(str(folder / "train.py"))


def test_component_has_the_scripts_descriptions(tmp_path: Path) -> None:
    (tmp_path / "train.py").write_text(
        '"""Learns.\n\nAnd more."""\nimport argparse\np = argparse.ArgumentParser()\n'
        'p.add_argument("--depth", type=int, default=8, help="how deep")\n'
    )
    component = fairing_component.from_script(str(tmp_path / "train.py"))

    assert component.name == "train"
    assert component.description == "Learns."
    assert component.component_spec.inputs["depth"].description == "how deep"


def test_relative_paths_begin_at_the_file_that_calls() -> None:
    with pytest.raises(ComponentError, match=str(Path(__file__).parent / "missing.py")):
        fairing_component.from_script("missing.py")


def test_script_can_be_called_here(tmp_path: Path) -> None:
    (tmp_path / "write.py").write_text("import sys\nopen(sys.argv[1], 'w').write(sys.argv[2])\n")
    component = fairing_component.from_script(str(tmp_path / "write.py"), arguments={"out": str, "text": str})

    component.python_func(out=str(tmp_path / "made"), text="-x")

    assert (tmp_path / "made").read_text() == "-x"


def test_parser_in_another_module_is_warned_of(folder: Path) -> None:
    (folder / "deeper.py").write_text("import argparse\nargparse.ArgumentParser().add_argument('--depth')\n")

    (warning,) = bundle(str(folder / "train.py")).warnings
    assert "deeper.py, which it imports, does" in warning
    assert not bundle(str(folder / "train.py"), arguments={"--depth": 8}).warnings
