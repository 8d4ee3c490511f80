"""A pipeline of an author, compiled before it is edited."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from fairing_kfp.cache.store import Cache
from tests.support.cached_images import compile_to_cache, put_base

PIPELINE = '''
import functools
from dataclasses import dataclass
from kfp import dsl
from fairing_kfp import fairing_component
from lab.model import fit

RATE = 0.2
NAMES = ["a", "b"]

@dataclass
class Config:
    depth: int = 3

    def is_deep(self):
        return self.depth > 2

def helper(x, power=2):
    """Raises."""
    return x ** power * RATE

def make(scale):
    @fairing_component(name="scaled")
    def scaled(x: float) -> float:
        return x * scale
    return scaled

scaled = make(3)

@fairing_component(env={"MODE": "fast"})
def train(depth: int, model: dsl.Output[dsl.Model]) -> float:
    # the first step
    return helper(fit(Config(depth).depth)) + len(NAMES)

@fairing_component
def evaluate(model: dsl.Input[dsl.Model]) -> float:
    return 1.0

@dsl.pipeline
def digits(depth: int = 8):
    evaluate(model=train(depth=depth).outputs["model"])
    scaled(x=2.5)
'''
MODEL = '''
"""A model."""

RATE = 0.1


def fit(x):
    return x * RATE
'''


class Edited:
    """The files of an author, and a pipeline that was compiled from them.

    Attributes:
        folder: the folder of the files.
        old: the path of the YAML.
        target: the pipeline of the working tree.
        base: the base image.
    """

    def __init__(self, folder: Path, cache: Cache) -> None:
        self.folder, self.cache = folder, cache
        self.base = put_base(cache)
        self.target = str(folder / "pipeline.py")
        (folder / "lab").mkdir()
        (folder / "lab/__init__.py").write_text("")
        (folder / "lab/model.py").write_text(MODEL)
        (folder / "pipeline.py").write_text(PIPELINE)
        self.old = self.compile("old.yaml")

    def edit(self, name: str, *changes: tuple[str, str]) -> None:
        """Replaces texts in a file."""
        path = self.folder / name
        text = path.read_text()
        for before, after in changes:
            assert text.count(before) == 1, before
            text = text.replace(before, after)
        path.write_text(text)
        forget(self.folder)

    def compile(self, name: str) -> str:
        """Compiles the files as they are."""
        path = compile_to_cache(self.target, self.folder / name, self.base, self.cache, start=self.folder)
        forget(self.folder)
        return path


def forget(folder: Path) -> None:
    """Forgets imported modules of a folder."""
    for name, module in list(sys.modules.items()):
        if str(getattr(module, "__file__", None)).startswith(str(folder)):
            del sys.modules[name]


@pytest.fixture
def edited(tmp_path: Path, cache: Cache, monkeypatch: pytest.MonkeyPatch) -> Iterator[Edited]:
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    (tmp_path / "work").mkdir()
    yield Edited(tmp_path / "work", cache)
    forget(tmp_path)
