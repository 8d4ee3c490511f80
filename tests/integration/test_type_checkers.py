"""Type checkers find the mistakes of a user's project, and none in README.md, docs/types.md and the samples."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.doc_blocks import BLOCKS
from tests.support.paths import TESTS, TOP

PROJECT = TESTS / "typed_project"
PACKAGE = TOP / "fairing_kfp"
# The modules whose types the project sees; mypy takes others for Any, since all of the package takes it half a minute.
SEEN = (
    "component/decorator component/interface component/options component/predictor local/result local/run "
    "option_signature pipeline/compile pipeline/explain pipeline/lock remote/submit serving/spec serving/task settings "
    "testing/__init__ train/builtin_step train/spec train/vertex/wrapper train/wrappers"
)


def expected(checker: int) -> set[tuple[str, int, str]]:
    """The file, line and kind of each mistake that a checker finds, as the comments of the project say."""
    found = set()
    for path in PROJECT.glob("*.py"):
        for number, line in enumerate(path.read_text("utf-8").splitlines(), 1):
            match = re.search(r"# (report\w+)(?:, ([\w-]+))?$", line)
            if match and match[checker]:
                found.add((path.name, number, match[checker]))
    assert found
    return found


@pytest.fixture
def right(tmp_path: Path) -> list[str]:
    """Files without mistakes: the blocks of README.md and docs/types.md, and the samples, each by a name of its own."""
    texts = {
        f"{Path(block.page).stem}_{block.line}": block.text
        for block in BLOCKS
        if block.page in ("README.md", "docs/types.md") and block.language == "python"
    }
    for path in (TOP / "samples").rglob("*.py"):
        texts["_".join(path.relative_to(TOP).with_suffix("").parts).replace("-", "_")] = path.read_text("utf-8")
    for name, text in texts.items():
        (tmp_path / f"{name}.py").write_text(text, "utf-8")
    assert len(texts) > 20
    return [str(tmp_path / f"{name}.py") for name in texts]


def test_pyright_finds_exactly_the_mistakes(right: list[str]) -> None:
    options = ["--outputjson", "--pythonpath", sys.executable]
    command = [sys.executable, "-m", "pyright", *options, str(PROJECT), *right]
    done = subprocess.run(command, cwd=TOP, capture_output=True, text=True, check=False)
    found = json.loads(done.stdout)["generalDiagnostics"]

    errors = {
        (Path(one["file"]).name, one["range"]["start"]["line"] + 1, one["rule"])
        for one in found
        if one["severity"] == "error" and one["rule"] != "reportMissingImports"  # packages of steps are not installed
    }
    assert errors == expected(1), done.stdout


def test_mypy_finds_exactly_the_mistakes(right: list[str]) -> None:
    options = ["--config-file=", "--follow-imports=skip", "--ignore-missing-imports", "--cache-dir=/dev/null"]
    files = [*map(str, PROJECT.glob("*.py")), *right, *(f"{PACKAGE}/{name}.py" for name in SEEN.split())]
    command = [sys.executable, "-m", "mypy", *options, "--no-error-summary", *files]
    done = subprocess.run(command, cwd=TOP, capture_output=True, text=True, check=False)
    errors = re.findall(r"^(.*):(\d+): error: .*\[([\w-]+)\]$", done.stdout, re.MULTILINE)
    found = {(Path(name).name, int(line), kind) for name, line, kind in errors if not name.startswith("fairing_kfp/")}

    assert found == expected(2), done.stdout + done.stderr
