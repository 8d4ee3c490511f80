"""Files as an author would have them, imported as he would."""

from __future__ import annotations

import importlib
import sys
import textwrap
import types
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest


@pytest.fixture
def author(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., types.ModuleType]]:
    """Writes files (`a__b` is `a/b.py`) into a folder on the import path; gives the module that the first one is."""
    monkeypatch.syspath_prepend(str(tmp_path))
    before = set(sys.modules)

    def write(**files: str) -> types.ModuleType:
        for name, text in files.items():
            place = tmp_path / f"{name.replace('__', '/', 1)}.py"
            place.parent.mkdir(exist_ok=True, parents=True)
            place.write_text(textwrap.dedent(text))
        importlib.invalidate_caches()
        return importlib.import_module(next(iter(files)).replace("__", "."))

    yield write
    for name in set(sys.modules) - before:
        module = sys.modules[name]
        places = [getattr(module, "__file__", None), *getattr(module, "__path__", [])]
        if not any(places) or any(str(place).startswith(str(tmp_path)) for place in places):  # not, say, numpy
            del sys.modules[name]
