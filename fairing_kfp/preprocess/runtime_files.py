"""The files of the runtime layer: our own, cloudpickle, and the part of kfp that its executor needs.

They depend on the versions of fairing-kfp, kfp and cloudpickle alone, so that one layer serves every step.
"""

from __future__ import annotations

import ast
import importlib.util
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from fairing_kfp.image.layer import File
from fairing_kfp.preprocess.code_names import resolve
from fairing_kfp.preprocess.places import ROOT

_EXECUTOR = "kfp.dsl.executor"
_ELSEWHERE = ("step.py", "stand_in.py")
_IN_STEPS = ("distributed.py", "record.py")


@cache
def runtime_files() -> tuple[File, ...]:
    """The files of the runtime layer, placed in the image."""
    ours = Path(__file__).parent.parent / "runtime"
    modules = [path for path in ours.glob("*.py") if path.name not in _ELSEWHERE]
    files = {f"fairing_runtime/{path.name}": path.read_bytes() for path in modules}
    files["step.py"] = (ours / "step.py").read_bytes()
    files["child/sitecustomize.py"] = (ours / "child" / "sitecustomize.py").read_bytes()
    files["stand_in/fairing_kfp/__init__.py"] = (ours / "stand_in.py").read_bytes()
    for name in _IN_STEPS:
        files[f"stand_in/fairing_kfp/{name}"] = (ours / name).read_bytes()
    files["fairing_runtime/cloudpickle.py"] = (_package("cloudpickle") / "cloudpickle.py").read_bytes()
    files.update({f"private/{place}": path.read_bytes() for place, path in _executor_files().items()})
    return tuple(File(f"{ROOT}/runtime/{place}", files[place]) for place in sorted(files))


def _executor_files() -> dict[str, Path]:
    """The modules that kfp's executor imports when `_KFP_RUNTIME` is set, found without importing kfp."""
    root = _package("kfp").parent
    files: dict[str, Path] = {}
    pending = [_EXECUTOR]
    while pending:
        name = pending.pop()
        path = root / name.replace(".", "/")
        path = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
        place = path.relative_to(root).as_posix()
        if not path.is_file() or place in files:  # `from module import name` names no file
            continue
        files[place] = path
        pending += [name.rpartition(".")[0]] if "." in name else []
        package = name if path.name == "__init__.py" else name.rpartition(".")[0]
        pending += _imports(ast.parse(path.read_bytes()).body, package)
    return files


def _imports(body: list[ast.stmt], package: str) -> Iterator[str]:
    """The kfp modules that a module imports at its top level, not below an `if`: kfp guards its compiler that way."""
    for node in body:
        if isinstance(node, ast.Try):
            yield from _imports(node.body, package)
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name.partition(".")[0] == "kfp")
        elif isinstance(node, ast.ImportFrom):
            module = resolve(node.module or "", node.level, package)
            if module.partition(".")[0] == "kfp":
                yield module
                yield from (f"{module}.{alias.name}" for alias in node.names)


def _package(name: str) -> Path:
    spec = importlib.util.find_spec(name)
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError(f"{name}, which fairing-kfp depends on, is not installed", name=name)
    return Path(spec.origin).parent
