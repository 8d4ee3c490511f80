"""`docs/extending.md`: each section adds a feature to a copy of the package, in at most two files and one line."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support.paths import TOP

_PAGE = TOP / "docs" / "extending.md"
_BLOCK = re.compile(r'^```(\w+) title="([^"]+)"\n(.*?)^```$', re.MULTILINE | re.DOTALL)
_CHECK = "check"


@dataclass(frozen=True)
class Section:
    """A section of the page.

    Attributes:
        title: its heading.
        files: the new files by their paths.
        lines: by the path of a file, a line of it and the line to insert after that.
        check: the program that uses the extension.
    """

    title: str
    files: dict[str, str]
    lines: dict[str, tuple[str, str]]
    check: str


def sections() -> list[Section]:
    found = []
    for part in re.split(r"^## ", _PAGE.read_text("utf-8"), flags=re.MULTILINE)[1:]:
        blocks = [match.groups() for match in _BLOCK.finditer(part)]
        lines = {}
        for kind, path, text in blocks:
            if kind == "diff":
                before, added = text.splitlines()
                assert (before[0], added[0]) == (" ", "+"), f"{path}: one line of context, then the new line"
                lines[path] = (before[1:], added[1:])
        files = {path: text for kind, path, text in blocks if kind != "diff" and path != _CHECK}
        (check,) = [text for _, path, text in blocks if path == _CHECK]
        found.append(Section(part.splitlines()[0], files, lines, check))
    return found


@pytest.mark.parametrize("section", [pytest.param(one, id=one.title) for one in sections()])
def test_section_extends_the_package(section: Section, tmp_path: Path) -> None:
    assert len(section.files) <= 2
    assert len(section.lines) == 1
    copy = tmp_path / "copy"
    # With what is compiled; a file that another process is just compiling has a further suffix.
    shutil.copytree(TOP / "fairing_kfp", copy / "fairing_kfp", ignore=shutil.ignore_patterns("*.pyc.*"))
    for name, text in section.files.items():
        assert not (copy / name).exists()
        (copy / name).write_text(text, "utf-8")
    for name, (before, added) in section.lines.items():
        text = (copy / name).read_text("utf-8")
        assert text.count(f"{before}\n") == 1, f"{name} has the line {before!r} {text.count(before)} times"
        (copy / name).write_text(text.replace(f"{before}\n", f"{before}\n{added}\n"), "utf-8")
    (tmp_path / "check.py").write_text(section.check, "utf-8")
    done = subprocess.run(
        [sys.executable, "check.py"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(copy)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"{done.stdout}{done.stderr}"


def test_each_kind_of_extension_has_a_section() -> None:
    assert [one.title for one in sections()] == ["A builder", "A training kind", "A source", "A package format"]
