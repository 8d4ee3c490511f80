"""Facts about files: found once, in this process and in others."""

from __future__ import annotations

import ast
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from fairing_kfp.cache.store import default_root
from fairing_kfp.errors import SecretError
from fairing_kfp.preprocess import bundle, facts
from fairing_kfp.preprocess.function import FunctionSource
from fairing_kfp.preprocess.modules import file_imports
from fairing_kfp.preprocess.secrets import scan
from tests.support.made_up_secrets import FORMS

Author = Callable[..., types.ModuleType]


class Work:
    """What packing does to files: parsing and scanning, by the files' names."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.parsed: list[str] = []
        self.scanned: list[str] = []
        parse, scan_file = ast.parse, scan.scan_file

        def parse_and_note(text: Any, name: str = "") -> Any:
            self.parsed.append(Path(name).name)
            return parse(text, name)

        def scan_and_note(where: str, path: str, data: bytes) -> Any:
            self.scanned.append(Path(path).name)
            return scan_file(where, path, data)

        monkeypatch.setattr(file_imports.ast, "parse", parse_and_note)
        monkeypatch.setattr(scan, "scan_file", scan_and_note)

    def of(self, function: Any) -> tuple[list[str], list[str]]:
        """The own files that packing a function parses and scans."""
        self.parsed.clear()
        self.scanned.clear()
        FunctionSource(function, {}).bundle("step")
        return sorted({*self.parsed} & {"one.py", "two.py"}), sorted({*self.scanned} & {"one.py", "two.py"})


def new_process() -> None:
    """Forgets what this process knows."""
    file_imports._read.cache_clear()
    bundle._FOUND.clear()
    for kind in facts._kinds:
        kind._records.clear()


@pytest.fixture
def flow(author: Author) -> types.ModuleType:
    new_process()
    return author(flow="import fairing_kfp, own.one\ndef step(): return 1\n", own__one="from . import two", own__two="")


def test_unchanged_files_are_neither_parsed_nor_scanned_again(
    flow: types.ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    work = Work(monkeypatch)
    assert work.of(flow.step) == (["one.py", "two.py"], ["one.py", "two.py"])
    assert work.of(flow.step) == ([], [])

    new_process()
    assert work.of(flow.step) == ([], [])

    new_process()
    (tmp_path / "own" / "two.py").write_text("x = 1\n")
    assert work.of(flow.step) == (["two.py"], ["two.py"])


def test_unchanged_code_is_not_scanned_again(flow: types.ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    work = Work(monkeypatch)
    work.of(flow.step)
    assert "step.json" in work.scanned
    new_process()
    monkeypatch.setattr(scan, "scan_named", lambda *_: pytest.fail("a text of the pickle is scanned"))
    work.of(flow.step)
    assert work.scanned == []


def test_the_same_bytes_with_and_without_facts(flow: types.ModuleType) -> None:
    first = FunctionSource(flow.step, {}).bundle("step")
    new_process()
    again = FunctionSource(flow.step, {}).bundle("step")
    assert (again.files, again.imports) == (first.files, first.imports)


def test_credentials_are_found_each_time_and_not_kept(flow: types.ModuleType, tmp_path: Path) -> None:
    token = FORMS["a GitHub token"]
    (tmp_path / "own" / "two.py").write_text(f"x = '{token}'\n")
    for _ in range(2):
        with pytest.raises(SecretError, match=r"own/two\.py contains a GitHub token"):
            FunctionSource(flow.step, {}).bundle("step")
        new_process()
    kept = [path for path in default_root().rglob("*") if path.is_file()]
    assert kept
    assert not [path for path in kept if token.encode() in path.read_bytes()]


def test_other_code_of_ours_finds_all_facts_again(tmp_path: Path) -> None:
    code = tmp_path / "scanner.py"
    code.write_text("1")
    before = facts.Facts("try", code)
    before.put("folder", "key", True)
    before.save()
    assert facts.Facts("try", code).get("folder", "key") is True
    code.write_text("2")
    assert facts.Facts("try", code).get("folder", "key") is None


def test_facts_about_earlier_contents_are_dropped_when_they_are_most() -> None:
    for number in range(5):
        kind = facts.Facts("try")
        kind.put("folder", f"content {number}", number)
        kind.save()
    kept = facts.Facts("try")
    assert [number for number in range(5) if kept.get("folder", f"content {number}") is not None] == [4]


def test_no_cache_is_needed(flow: types.ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("FAIRING_KFP_CACHE", str(tmp_path / "file" / "cache"))
    assert FunctionSource(flow.step, {}).bundle("step").files
