"""The files that start a step."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from fairing_kfp.preprocess.pickle.context import Packing
from fairing_kfp.preprocess.step_file import step_files

CODE = "opt/fairing/code"


def test_a_step_is_described() -> None:
    files = step_files("train", print, {}, Packing(), files={"a": b"1"}, embedded="data.csv")
    assert [file.path for file in files] == [f"{CODE}/a", f"{CODE}/function.pickle", f"{CODE}/step.json"]
    assert json.loads(files[-1].data) == {
        "name": "train",
        "python": [sys.version_info[0], sys.version_info[1]],
        "packed_modules": [],
        "embedded": "data.csv",
    }


def test_a_server_is_described() -> None:
    files = step_files("digits", print, {}, Packing(), serve={"predict": "list"})
    assert json.loads(files[-1].data)["serve"] == {"predict": "list"}


def test_own_modules_are_ordinary_files(tmp_path: Path) -> None:
    (tmp_path / "tool.py").write_text("x = 1\n")
    (tmp_path / "tool.py").chmod(0o755)
    packing = Packing()
    packing.modules.files["tool.py"] = tmp_path / "tool.py"
    (module,) = (file for file in step_files("train", print, {}, packing) if "modules" in file.path)
    assert (module.path, module.data, module.mode) == (f"{CODE}/modules/tool.py", b"x = 1\n", 0o644)
