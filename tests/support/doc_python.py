"""Runs blocks of Python of the documentation: pipelines are compiled by kfp, and their code is packed.

What talks to a registry, to Kubeflow Pipelines or to a server is replaced by stand-ins with the same signatures and
attributes.
"""

from __future__ import annotations

import ast
import contextlib
import importlib
import shutil
import sys
import types
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
from kfp import dsl

import fairing_kfp
from fairing_kfp.component.predictor import Predictor
from fairing_kfp.pipeline.trace import trace
from tests.support.doc_blocks import Block
from tests.support.notebook_files import write
from tests.support.paths import TOP

_SAMPLES = ("script", "notebook", "notebook-as-code")  # whose scripts and notebooks pages name
_FILES = ("conf/app.yaml", "data/scans.json", "labels.txt", "labels/digits.txt", "src/scale.py", "vocabulary/words.txt")
_CELLS = (
    "depth = 8\nscans = 'scans.json'\nmodel = 'model.json'\naccuracy = 'accuracy.txt'",
    "!nvidia-smi",
    "def train(depth: int) -> float:\n    return depth / 10",
    "class Trainer:\n    def train(self, depth: int = 8) -> float:\n        return train(depth)",
)


def write_user_files(folder: Path) -> None:
    """Writes what the examples expect a user to have beside the pipeline."""
    for name in _SAMPLES:
        left_out = shutil.ignore_patterns("pipeline.py", "*.lock", "__pycache__")
        shutil.copytree(TOP / "samples" / name, folder, dirs_exist_ok=True, ignore=left_out)
    for name in (*_FILES, "train/train.py"):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).touch()
    write(folder / "train.ipynb", *_CELLS)


def stand_in(kind: type, **attributes: Any) -> Any:
    """An instance that accepts the calls and has the attributes of a class, and does nothing."""
    made = mock.create_autospec(kind, instance=True)
    for name in (name for one in kind.__mro__ for name in getattr(one, "__annotations__", ())):
        if not hasattr(made, name):
            setattr(made, name, mock.MagicMock())
    made.configure_mock(**attributes)
    return made


def replace_services(monkeypatch: pytest.MonkeyPatch) -> None:
    """Puts stand-ins in the place of what needs a registry, Kubeflow Pipelines or a server."""
    artifact = stand_in(fairing_kfp.RunArtifact)
    run = stand_in(
        fairing_kfp.Run, id="5c0e", steps=[stand_in(fairing_kfp.Step)], **{"artifact.return_value": artifact}
    )

    def checked(pipeline: Any, *_: Any, **__: Any) -> Any:
        check_pipeline(pipeline)
        return run

    for name in ("compile", "submit", "upload"):
        made = mock.create_autospec(getattr(fairing_kfp, name), side_effect=checked)
        monkeypatch.setattr(fairing_kfp, name, made, raising=False)
    monkeypatch.setattr(fairing_kfp.Run, "get", mock.create_autospec(fairing_kfp.Run.get, return_value=run))
    monkeypatch.setattr(fairing_kfp.RecurringRun, "create", mock.create_autospec(fairing_kfp.RecurringRun.create))
    endpoint = contextlib.nullcontext(stand_in(fairing_kfp.Endpoint))
    monkeypatch.setattr(Predictor, "here", mock.create_autospec(Predictor.here, return_value=endpoint))
    for name in ("predict", "stream"):
        monkeypatch.setattr(
            fairing_kfp.Endpoint, name, mock.create_autospec(getattr(fairing_kfp.Endpoint, name), return_value=[])
        )


def check_pipeline(pipeline: Any) -> None:
    """Compiles a pipeline by kfp, and packs the code of its steps; packages are not resolved, and nothing is sent."""
    for source in trace(pipeline).sources.values():
        source.bundle()


def run_block(block: Block, module: types.ModuleType, folder: Path) -> None:
    """Runs a block in the names of a module, and checks the pipelines and predictors that it defines."""
    path = folder / (block.title or f"{module.__name__}_{block.line}.py")
    path.write_text(block.text, "utf-8")
    module.__file__ = str(path)
    before = dict(vars(module))
    exec(compile(block.text, str(path), "exec", dont_inherit=True), vars(module))
    for name, value in vars(module).items():
        if value is before.get(name):
            continue
        if isinstance(value, Predictor):
            value.source.bundle()
        elif isinstance(value, dsl.base_component.BaseComponent):
            check_pipeline(value)


def new_module(name: str) -> types.ModuleType:
    """A module for blocks, as if it were imported by that name."""
    sys.modules[name] = types.ModuleType(name)
    return sys.modules[name]


def unknown_names(text: str) -> list[str]:
    """The names that a block takes from fairing_kfp and kfp, and that these do not have."""
    tree = ast.parse(text)
    wanted = []
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and str(node.module).partition(".")[0] in ("fairing_kfp", "kfp"):
            wanted += [f"{node.module}.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.Attribute):
            name = ast.unparse(node)
            if name.split(".")[0] in ("fairing_kfp", "kfp", "dsl") and name.replace(".", "").isidentifier():
                wanted.append(name.replace("dsl.", "kfp.dsl.", 1) if name.startswith("dsl.") else name)
    return [name for name in wanted if not _exists(name)]


def _exists(name: str) -> bool:
    first, *rest = name.split(".")
    found: Any = importlib.import_module(first)
    for part in rest:
        if not hasattr(found, part):
            with contextlib.suppress(ImportError):
                importlib.import_module(f"{found.__name__}.{part}")
        if not hasattr(found, part):
            return False
        found = getattr(found, part)
    return True
