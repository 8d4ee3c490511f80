"""The runtime layer: our own runtime, cloudpickle, and the part of kfp that its executor imports.

Its content depends on the version of the packing format only, so all steps share one layer.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from fairing_kfp.image.layer import File, Layer
from fairing_kfp.layers.files import layer_of_files
from fairing_kfp.preprocess.image_paths import ROOT
from fairing_kfp.preprocess.modules.imports import absolute_names, imports_in
from fairing_kfp.recipe.license_texts import license_texts
from fairing_kfp.recipe.packing_format import package_folder

_OURS = Path(__file__).parent.parent / "runtime"
_EXECUTOR = "kfp.dsl.executor"
_PLACED_SEPARATELY = ("step.py", "stand_in.py")
_STAND_IN_MODULES = ("distributed.py", "record.py")


@cache
def runtime_layer() -> Layer:
    """The layer that all steps share, made once."""
    return layer_of_files("runtime", runtime_files())


@cache
def runtime_files() -> tuple[File, ...]:
    """The files of the runtime layer, at their paths in the image."""
    files = notebook_runtime_files()
    files["step.py"] = (_OURS / "step.py").read_bytes()
    files["child/sitecustomize.py"] = (_OURS / "child" / "sitecustomize.py").read_bytes()
    files["fairing_runtime/cloudpickle.py"] = (package_folder("cloudpickle") / "cloudpickle.py").read_bytes()
    files.update(license_texts("cloudpickle", "fairing-kfp", "kfp"))
    files.update({f"private/{place}": path.read_bytes() for place, path in _executor_files().items()})
    return tuple(File(f"{ROOT}/runtime/{place}", files[place]) for place in sorted(files))


def notebook_runtime_files() -> dict[str, bytes]:
    """The part of the runtime that runs notebooks, without kfp and cloudpickle, by path in the folder `runtime`."""
    modules = [path for path in _OURS.glob("*.py") if path.name not in _PLACED_SEPARATELY]
    files = {f"fairing_runtime/{path.name}": path.read_bytes() for path in modules}
    files["stand_in/fairing_kfp/__init__.py"] = (_OURS / "stand_in.py").read_bytes()
    for name in _STAND_IN_MODULES:
        files[f"stand_in/fairing_kfp/{name}"] = (_OURS / name).read_bytes()
    return files


def _executor_files() -> dict[str, Path]:
    """The modules that kfp's executor imports if `_KFP_RUNTIME` is set, by path; found without importing kfp."""
    root = package_folder("kfp").parent
    files: dict[str, Path] = {}
    pending = [_EXECUTOR]
    while pending:
        name = pending.pop()
        path = root / name.replace(".", "/")
        path = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
        place = path.relative_to(root).as_posix()
        if not path.is_file() or place in files:  # the name in `from module import name` may not be a module
            continue
        files[place] = path
        pending += [name.rpartition(".")[0]] if "." in name else []
        package = name if path.name == "__init__.py" else name.rpartition(".")[0]
        pending += _imports(ast.parse(path.read_bytes()).body, package)
    return files


def _imports(body: list[ast.stmt], package: str) -> Iterator[str]:
    """The kfp modules that a module imports at its top level, except below an `if`, which guards kfp's compiler."""
    for node in body:
        if isinstance(node, ast.Try):
            yield from _imports(node.body, package)
        elif isinstance(node, (ast.Import, ast.ImportFrom)):
            names = absolute_names(imports_in(node), package)
            yield from (name for name in names if name.partition(".")[0] == "kfp")
