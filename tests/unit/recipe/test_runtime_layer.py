"""The runtime layer: exactly the modules that a step needs."""

from __future__ import annotations

import ast
import functools
import json
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from fairing_kfp.errors import DependencyError
from fairing_kfp.image.layer import Layer
from fairing_kfp.layers.files import layer_of_files
from fairing_kfp.recipe import runtime_layer as module
from fairing_kfp.recipe.runtime_layer import runtime_files, runtime_layer

PROGRAM = """
import json, kfp.dsl.executor, pathlib, sys
root = pathlib.Path(sys.modules["kfp"].__file__).parents[1]
found = [m.__file__ for n, m in sys.modules.items() if n.partition(".")[0] == "kfp"]
print(json.dumps(sorted(pathlib.Path(f).relative_to(root).as_posix() for f in found)))
"""


def test_kfp_modules_are_those_that_its_executor_imports() -> None:
    env = {**os.environ, "_KFP_RUNTIME": "true"}
    done = subprocess.run([sys.executable, "-c", PROGRAM], env=env, capture_output=True, text=True, check=True)
    private = [file.path.partition("/private/")[2] for file in runtime_files() if "/private/" in file.path]
    assert sorted(private) == json.loads(done.stdout)


def test_files_are_valid_python_for_any_interpreter() -> None:
    for file in runtime_files():
        assert "python" not in file.path
        assert file.path.startswith("opt/fairing/runtime/")
        if not file.path.endswith("/LICENSE"):
            ast.parse(file.data, feature_version=(3, 10))


# Packages of notebook steps, imported late because other steps do not have them.
LATE = ("/kernel.py", "/notebook.py", "/report.py")
NOTEBOOKS = {"jupyter_client", "mistune", "nbformat", "papermill", "pygments", "traitlets"}


def test_our_modules_import_the_standard_library_only() -> None:
    for file in runtime_files():
        if "/private/" in file.path or file.path.endswith(("/cloudpickle.py", "/LICENSE")):
            continue
        tree = ast.parse(file.data)
        known = {*sys.stdlib_module_names, "fairing_runtime"}
        for node in ast.walk(tree):
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom) and not node.level:
                names = [node.module or ""]
            else:
                continue
            for name in names:
                late = NOTEBOOKS if file.path.endswith(LATE) and node not in tree.body else ()
                assert name.partition(".")[0] in {*known, *late}, (file.path, name)


def test_files_are_deterministic() -> None:
    first = runtime_files()
    runtime_files.cache_clear()
    assert runtime_files() == first


def test_the_layer_is_the_same_wherever_it_is_made(tmp_path: Path) -> None:
    code = "from fairing_kfp.recipe.runtime_layer import runtime_layer; print(runtime_layer().digest)"
    elsewhere = {"PYTHONHASHSEED": "17", "HOME": str(tmp_path), "FAIRING_KFP_CACHE": str(tmp_path / "cache")}
    command = [sys.executable, "-c", code]
    done = subprocess.run(
        command, env={**os.environ, **elsewhere}, cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == runtime_layer().digest


def test_runtime_fits_any_platform() -> None:
    assert not [file.path for file in runtime_files() if file.path.endswith((".so", ".pyd", ".dylib"))]
    assert not [file.path for file in runtime_files() if b"\x7fELF" in file.data[:4]]
    assert runtime_layer() == runtime_layer()


def test_a_layer_made_ahead_is_made_once(monkeypatch: pytest.MonkeyPatch) -> None:
    made, may_go_on, begun = [], threading.Event(), threading.Event()
    one = layer_of_files("runtime", [])

    def make() -> Layer:
        begun.set()
        assert may_go_on.wait(60)
        made.append(one)
        return one

    monkeypatch.setattr(module, "_runtime_layer", functools.cache(make))
    module.make_runtime_layer_ahead()
    assert begun.wait(60)
    may_go_on.set()
    assert runtime_layer() is one
    assert made == [one]


def test_an_error_is_raised_to_who_asks_for_the_layer(monkeypatch: pytest.MonkeyPatch) -> None:
    tried: list[str] = []

    def fail() -> Layer:
        tried.append("")
        raise DependencyError("no space", "free some")

    monkeypatch.setattr(module, "_runtime_layer", fail)
    monkeypatch.setattr(threading, "excepthook", lambda _: pytest.fail("the thread raises"))
    module.make_runtime_layer_ahead()
    with pytest.raises(DependencyError, match="no space"):
        runtime_layer()
    assert tried
