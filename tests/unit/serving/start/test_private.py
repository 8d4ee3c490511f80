"""Our packages and the user's packages of the same names, in one process."""

from __future__ import annotations

import sys
import textwrap

import pytest

from fairing_kfp.serving.start import private

FILES = {
    "ours/shelf/__init__.py": "from . import deep\nfrom .late import later\nname = 'ours'",
    "ours/shelf/deep/__init__.py": "value = 'deep'",
    "ours/shelf/late.py": """
        def later():
            import helper
            import importlib
            import json
            import shelf.deep
            from shelf import deep
            from . import deep as relative
            from .deep import value
            lazy = importlib.import_module("shelf.deep")
            nearer = importlib.import_module(".deep", "shelf")
            assert deep is relative is lazy is nearer is shelf.deep
            return [helper.name, shelf.name, value, json.__name__, importlib.util.find_spec("os").name]

        def missing():
            import shelf.unloaded
        """,
    "ours/shelf/unloaded.py": "",
    "ours/helper.py": "name = 'our helper'",
    "theirs/shelf.py": "name = 'theirs'",
    "theirs/helper.py": "raise RuntimeError('broken')",
}


@pytest.fixture
def folder(tmp_path, monkeypatch):
    for name, text in FILES.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(textwrap.dedent(text))
    monkeypatch.syspath_prepend(str(tmp_path / "theirs"))
    return tmp_path


def test_each_sees_its_own(folder):
    path, modules, finders = list(sys.path), set(sys.modules), list(sys.meta_path)
    loaded = private.load([str(folder / "ours")], ["shelf", "helper"])

    assert sorted(loaded) == ["helper", "shelf", "shelf.deep", "shelf.late"]
    assert (sys.path, set(sys.modules), sys.meta_path) == (path, modules, finders)
    import shelf

    assert shelf.name == "theirs"
    assert loaded["shelf"].later() == ["our helper", "ours", "deep", "json", "os"]
    with pytest.raises(RuntimeError, match="broken"):
        import helper  # noqa: F401
    with pytest.raises(ModuleNotFoundError, match=r"shelf\.unloaded was not loaded when the server started"):
        loaded["shelf.late"].missing()
    del sys.modules["shelf"]


def test_modules_loaded_before_are_restored(folder, monkeypatch):
    import shelf

    loaded = private.load([str(folder / "ours")], ["shelf"])

    assert sys.modules["shelf"] is shelf
    assert loaded["shelf"].name == "ours"
    del sys.modules["shelf"]


def test_a_failed_import_leaves_no_modules(folder):
    (folder / "ours/wrong.py").write_text("import shelf\nraise ImportError('wrong')")
    modules, finders = set(sys.modules), list(sys.meta_path)

    with pytest.raises(ImportError, match="wrong"):
        private.load([str(folder / "ours")], ["wrong"])
    assert (set(sys.modules), sys.meta_path) == (modules, finders)
