"""Results of functions, as steps pickle them."""

from __future__ import annotations

import pickle
import sys
from pathlib import Path
from types import ModuleType

import cloudpickle
import pytest

from fairing_kfp.classic.work.result import unpickled


def test_a_class_of_the_running_script_is_not_imported_again(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The step knows it by the script's name, whose import would run the script, and submit the job again."""
    script = project / "script_of_a_user.py"
    script.write_text("raise SystemExit('it ran again')")
    monkeypatch.syspath_prepend(str(project))
    main = ModuleType("__main__")
    main.__file__ = str(script)
    point = type("Point", (), {"__module__": "script_of_a_user"})
    monkeypatch.setitem(sys.modules, "script_of_a_user", ModuleType("script_of_a_user"))
    vars(sys.modules["script_of_a_user"])["Point"] = point
    (project / "result").write_bytes(pickle.dumps(point()))
    monkeypatch.delitem(sys.modules, "script_of_a_user")
    vars(main)["Point"] = point
    monkeypatch.setitem(sys.modules, "__main__", main)

    assert isinstance(unpickled({"result": project / "result"}, {}), point)


def test_helpers_of_the_runtime_are_those_of_the_package(project: Path) -> None:
    data = cloudpickle.dumps(lambda: 3)
    private = b"fairing_runtime.cloudpickle"
    public = b"cloudpickle.cloudpickle"
    assert public in data
    # Both names are short strings, written with their lengths.
    renamed = data.replace(bytes([len(public)]) + public, bytes([len(private)]) + private)
    frame = renamed.index(b"\x95") + 1
    size = int.from_bytes(renamed[frame : frame + 8], "little") + len(renamed) - len(data)
    (project / "result").write_bytes(renamed[:frame] + size.to_bytes(8, "little") + renamed[frame + 8 :])

    assert unpickled({"result": project / "result"}, {})() == 3
