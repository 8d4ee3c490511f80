"""The messages of typical mistakes, each made for real; `make golden` writes them to tests/golden/messages."""

from __future__ import annotations

import linecache
import os
import re
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from rich.console import Console

import fairing_kfp
from fairing_kfp import tracebacks
from fairing_kfp.component.load import load_pipeline
from fairing_kfp.display import terminal
from fairing_kfp.errors import FairingError
from fairing_kfp.tracebacks import wrapped
from tests.support import command_line
from tests.support.mistakes import COMPONENTS, GROUPS, Mistake
from tests.support.paths import TESTS

_FOLDER = TESTS / "golden" / "messages"
_DIGITS = "@dsl.pipeline\ndef digits(depth: int = 3):\n    train(depth=depth)\n"
_WIDTH = 100
_HOME = "/home/me/digits"


def console(*arguments: Any, stderr: bool = False, **options: Any) -> Console:
    """A terminal for errors, and a file for the rest."""
    return Console(*arguments, **options, stderr=stderr, force_terminal=stderr, color_system=None, width=_WIDTH)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The author's folder, a terminal of 100 columns, and a machine without Docker and clusters."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(terminal, "Console", console)
    for module in (terminal, tracebacks):
        monkeypatch.setattr(module, "wrapped", lambda text, width: wrapped(text.replace(str(tmp_path), _HOME), width))
    for name in ("KF_PIPELINES_ENDPOINT", "FAIRING_KFP_HOST", "FAIRING_KFP_REGISTRY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "kubeconfig"))
    monkeypatch.setenv("DOCKER_HOST", "unix:///var/run/no-docker.sock")
    (tmp_path / "digits.yaml").write_text("")
    return tmp_path


def made(mistake: Mistake, folder: Path) -> str:
    """What an author sees."""
    code = mistake.code if mistake.whole else f"{COMPONENTS}{mistake.code or _DIGITS}"
    if not mistake.command:
        return shown_in_a_cell(mistake.code, folder)
    (folder / "digits.py").write_text(COMPONENTS if mistake.title == "no pipeline in the file" else code)
    sys.modules.pop("digits", None)
    linecache.checkcache()
    code_, output = command_line.fairing_kfp(*mistake.command.split())
    assert code_ in (2, 3), output
    output = re.sub(r"running digits with Python .*\n", "", output)
    return f"{output}(exit code {code_})\n"


def shown_in_a_cell(code: str, folder: Path) -> str:
    """What a notebook shows."""
    (folder / "digits.py").write_text(COMPONENTS + _DIGITS)
    sys.modules.pop("digits", None)
    names = {"fairing_kfp": fairing_kfp, "digits": load_pipeline("digits.py")}
    cell = "<ipython-input-3-cell>"
    linecache.cache[cell] = (len(code), None, [code], cell)
    try:
        exec(compile(code, cell, "exec"), vars(sys.modules["digits"]) | names)
    except FairingError as error:
        return "\n".join(error._render_traceback_()) + "\n"
    raise AssertionError(f"no error: {code}")


@pytest.fixture
def notebook(monkeypatch: pytest.MonkeyPatch) -> None:
    names = SimpleNamespace(format_code_name=lambda file: ("Cell", "In[3]") if "input-3" in file else None)
    monkeypatch.setattr(tracebacks, "_shell", lambda: SimpleNamespace(compile=names))


def entries(group: str, folder: Path) -> Iterator[str]:
    for mistake in GROUPS[group]:
        output = made(mistake, folder).replace(str(folder), _HOME)
        check(mistake, output)
        command = f"$ fairing-kfp {mistake.command}\n" if mistake.command else ""
        code = textwrap.indent(mistake.code.removeprefix("from __future__").replace(COMPONENTS, "…\n"), "    ")
        yield f"── {mistake.title}\n\n{code}\n{command}{output}"


def check(mistake: Mistake, output: str) -> None:
    """An error names a remedy, shows no frames, and has no line that a terminal has to break."""
    assert "→ " in output, mistake
    assert not re.search(r"Traceback|fairing_kfp/|site-packages|<frozen", output), output
    for line in output.splitlines():
        assert len(line) <= _WIDTH or "/" in line, line
        assert "Got: " not in line, "a sentence of kfp"


def comparable(text: str) -> str:
    """A text without the lines of decorated functions where Python 3.10 runs: it reports `def` for the decorator."""
    return (
        text
        if sys.version_info >= (3, 11)
        else re.sub(r"line \d+(, in \w+)?: (@|class |def |async def ).*", "line of a function", text)
    )


@pytest.mark.parametrize("group", GROUPS)
def test_golden_messages(group: str, folder: Path, notebook: None) -> None:
    text = "\n".join(entries(group, folder))
    path = _FOLDER / f"{group}.txt"
    if os.environ.get("WRITE_GOLDEN"):
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
    assert comparable(text) == comparable(path.read_text(encoding="utf-8"))


def test_the_catalogue_is_of_many_mistakes() -> None:
    assert sum(map(len, GROUPS.values())) >= 100
