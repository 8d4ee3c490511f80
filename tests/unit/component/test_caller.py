"""The caller of a function that makes components."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from fairing_kfp.component.caller import Caller, find_caller


def make() -> Caller:
    return find_caller()


def test_a_module_is_its_name_and_folder() -> None:
    caller = make()

    assert caller.module.endswith("test_caller")
    assert caller.folder == Path(__file__).parent
    assert caller.namespace["make"] is make


def test_code_without_a_file_starts_at_the_current_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    namespace: dict[str, Any] = {"make": make, "__name__": "__main__"}
    exec("caller = make()", namespace)

    assert (namespace["caller"].module, namespace["caller"].folder) == ("__main__", tmp_path)
