"""Components made from notebooks in script mode: their interface, and what is packed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from kfp import dsl

from fairing_kfp.component.interface import Interface
from fairing_kfp.component.notebook_script import CodeSelection, script_of_notebook
from fairing_kfp.errors import ComponentError, SecretError
from fairing_kfp.preprocess.script import ScriptSource
from tests.support.notebook_files import write

PARAMETERS = ("depth = 8  # how deep\nrate: float = 1\nnames = ['a']\nlimit: int | None = None", ["parameters"])


def code(path: Path, arguments: dict[str, Any] | None = None, **options: Any) -> tuple[ScriptSource, Interface]:
    source, interface, _ = script_of_notebook(path.parent, path.name, arguments or {}, CodeSelection(**options))
    return source, interface


def test_parameters_become_inputs(tmp_path: Path) -> None:
    _, interface = code(write(tmp_path / "n.ipynb", PARAMETERS))

    assert [(it.name, it.annotation, it.default) for it in interface.parameters] == [
        ("depth", int, 8),
        ("rate", float, 1.0),
        ("names", list, ["a"]),
        ("limit", int | None, None),
    ]
    assert "depth: how deep" in (interface.doc or "")


def test_artifacts_and_outputs_are_paths(tmp_path: Path) -> None:
    given = {"model": dsl.Output[dsl.Model], "depth": dsl.InputPath(str), "score": dsl.OutputPath(float), "more": 3}
    source, interface = code(write(tmp_path / "n.ipynb", PARAMETERS), given)

    assert {it.name: it.annotation for it in interface.parameters}["model"] == dsl.Output[dsl.Model]
    words = source.inputs.line.words({"model": "/m", "depth": "/d", "rate": 0.5, "names": ["b", 1], "score": "/s"})
    assert words == ["--depth=/d", "--rate=0.5", '--names=["b", 1]', "--model=/m", "--score=/s"]


def test_the_bundle_is_the_same_in_any_folder_and_contains_own_modules(tmp_path: Path) -> None:
    bundles = []
    for folder in ("one", "another folder"):
        place = tmp_path / folder
        place.mkdir()
        (place / "sibling.py").write_text("import deeper\n")
        (place / "deeper.py").write_text("X = 1\n")
        (place / "helper.py").write_text("an older one that was written here\n")
        path = write(place / "n.ipynb", "%%writefile helper.py\nimport sibling", "import helper\nawait f()")
        source, _ = code(path, writefile=True)
        bundles.append({file.path: file.data for file in source.bundle("n").files})

    assert bundles[0] == bundles[1]
    files = {path.partition("/files/")[2]: data for path, data in bundles[0].items() if "/files/" in path}
    assert sorted(files) == ["deeper.py", "helper.py", "n.ipynb.py", "n_cells.py", "sibling.py"]
    assert files["helper.py"] == b"import sibling\n"


def test_code_that_is_left_out_is_a_warning(tmp_path: Path) -> None:
    source, _ = code(write(tmp_path / "n.ipynb", "!ls"))

    assert source.bundle("step").warnings == ("step: n.ipynb: left out, since it is not Python: cell 1, line 1: !ls",)


@pytest.mark.parametrize("cell", ["x = 1", "x = 1\nawait f()"])
def test_credentials_are_rejected(cell: str, tmp_path: Path) -> None:
    key = "AK" + "IA" + "Q" * 16
    source, _ = code(write(tmp_path / "n.ipynb", f"{cell}\nkey = '{key}'"))

    with pytest.raises(SecretError, match="an AWS access key"):
        source.bundle("n")


def test_credentials_in_code_that_is_left_out_are_not_packed(tmp_path: Path) -> None:
    key = "AK" + "IA" + "Q" * 16
    source, _ = code(write(tmp_path / "n.ipynb", f"!export KEY={key}\n%env KEY={key}"))

    bundle = source.bundle("n")
    assert key not in json.dumps([str(bundle.warnings), *(file.data.decode("latin-1") for file in bundle.files)])


@pytest.mark.parametrize(
    ("options", "says"),
    [(({"--model": int}, {}), "is not a valid variable name"), (({}, {"method": "train"}), "is given without a class")],
)
def test_invalid_options_are_rejected(options: tuple[dict[str, Any], ...], says: str, tmp_path: Path) -> None:
    arguments, others = options
    with pytest.raises(ComponentError, match=says):
        code(write(tmp_path / "n.ipynb", "x = 1"), arguments, **others)
