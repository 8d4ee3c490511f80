"""Byte code of the runtime and of own modules: a step executes it, and never that of another source."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from fairing_kfp.cache.store import Cache
from fairing_kfp.cli.explain import _show, as_dict
from fairing_kfp.dependencies import bytecode
from fairing_kfp.image.image import Image
from fairing_kfp.image.layer import File
from fairing_kfp.local.root import bare_python, root_digest, unpack_root
from fairing_kfp.pipeline.explain import Explained
from fairing_kfp.preprocess import facts
from fairing_kfp.preprocess.function import FunctionSource
from fairing_kfp.preprocess.source import ComponentSource
from fairing_kfp.recipe.byte_code import byte_code
from fairing_kfp.recipe.component import component_recipe
from fairing_kfp.recipe.image_recipe import ImageRecipe
from fairing_kfp.settings import Settings

MODULES = (File("opt/a/one.py", b"VALUE = {'x', 'yy', 'zzz'}\n"), File("opt/a/text.txt", b""))
TEMPLATE = File("opt/a/template.py", b"def {{ name }}(): ...\n")

_STEP = """
import json, runpy, sys
root, given = sys.argv[1:]
compiled = []
sys.addaudithook(lambda event, arguments: event == "compile" and compiled.append(str(arguments[1])))
sys.argv = [f"{root}/runtime/step.py", "--executor_input", given]
try:
    runpy.run_path(sys.argv[0], run_name="__main__")
except SystemExit as end:
    print(json.dumps([name for name in compiled if name.startswith(root) and not name.endswith("/step.py")]))
    raise
"""


def run(root: Path, folder: Path, python: Path) -> tuple[str, list[str]]:
    """Runs a step; returns what it returned, and the files that were compiled."""
    folder.mkdir()
    outputs = {"parameters": {"Output": {"outputFile": str(folder / "Output")}}, "outputFile": str(folder / "all")}
    given = {"inputs": {}, "outputs": outputs}
    done = subprocess.run(
        [str(python), "-c", _STEP, str(root), json.dumps(given)],
        env={"HOME": str(folder), "PYTHONDONTWRITEBYTECODE": "1"},
        cwd=folder,
        capture_output=True,
        text=True,
        check=True,
    )
    return json.loads((folder / "all").read_text())["parameterValues"]["Output"], json.loads(done.stdout)


@pytest.fixture
def recipe(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cache: Cache) -> Iterator[ImageRecipe]:
    """The recipe of a function that imports an own module."""
    (tmp_path / "author").mkdir()
    (tmp_path / "author" / "own_part.py").write_text("def said():\n    return 'before'\n")
    (tmp_path / "author" / "flow.py").write_text(
        "import fairing_kfp\nimport own_part\n\ndef step() -> str:\n    return own_part.said()\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path / "author"))
    import flow  # type: ignore[import-not-found]

    source = ComponentSource("0" * 12, "step", FunctionSource(flow.step, {"return": str}))
    yield component_recipe(source, Settings(), cache)
    for name in ("flow", "own_part"):
        del sys.modules[name]


def test_a_step_compiles_no_module(recipe: ImageRecipe, tmp_path: Path, cache: Cache) -> None:
    (image,) = recipe.image.images
    root = unpack_root(image.layers, {}, root_digest(image.layers, "", {}), cache)
    assert run(root, tmp_path / "run", bare_python(cache)) == ("before", [])


def test_byte_code_of_another_source_is_not_used(recipe: ImageRecipe, tmp_path: Path, cache: Cache) -> None:
    """The source may be replaced in an image that is based on this one."""
    (image,) = recipe.image.images
    root = unpack_root(image.layers, {}, "sha256:edited", cache)
    edited = root / "code" / "modules" / "own_part.py"
    edited.write_text(edited.read_text().replace("before", "after!"))
    assert run(root, tmp_path / "run", bare_python(cache)) == ("after!", [str(edited)])


def test_explain_lists_byte_code(recipe: ImageRecipe, capsys: pytest.CaptureFixture[str]) -> None:
    from fairing_kfp.display.terminal import console

    described: Any = as_dict(Explained(recipe, None))
    (one,) = described["byte_code"]
    assert one["path"] == importlib.util.cache_from_source("opt/fairing/code/modules/own_part.py")
    assert one["path"] not in [file["path"] for file in described["files"]]
    _show(Explained(recipe, None), console())
    assert f"byte code for Python {sys.version_info[0]}.{sys.version_info[1]} (files: 1)" in capsys.readouterr().out


def test_byte_code_is_for_this_minor_version_only() -> None:
    (one,) = byte_code((*MODULES, TEMPLATE))
    assert one.path == f"opt/a/__pycache__/one.cpython-{sys.version_info[0]}{sys.version_info[1]}.pyc"
    assert one.data[:4] == importlib.util.MAGIC_NUMBER
    assert one.data[4] == 0b11, "based on the hash of the source, which is checked"
    assert one.data[8:16] == importlib.util.source_hash(MODULES[0].data)


def test_byte_code_is_kept_for_other_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    first = byte_code((*MODULES, TEMPLATE))
    for kind in facts._kinds:  # as in a new process
        monkeypatch.setattr(kind, "_records", {})
    monkeypatch.setattr(bytecode, "compile_sources", lambda sources: pytest.fail(f"compiled again: {list(sources)}"))
    assert byte_code((*MODULES, TEMPLATE)) == first


def test_equal_modules_at_several_places_have_their_own_paths() -> None:
    files = (MODULES[0], File("opt/b/one.py", MODULES[0].data))
    one, other = byte_code(files)
    assert (b"/opt/a/one.py" in one.data, b"/opt/b/one.py" in other.data) == (True, True)


def test_images_of_all_platforms_have_it(recipe: ImageRecipe) -> None:
    (image,) = recipe.image.images
    assert isinstance(image, Image)
    assert [layer.name for layer in image.layers] == ["runtime", "code"]
    assert len(recipe.bundle.compiled) == 1
