"""The line of the user's code that an error is shown with."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from fairing_kfp import tracebacks
from fairing_kfp.errors import ComponentError, FairingError
from fairing_kfp.tracebacks import Place, find_place


def execute(path: Path, text: str) -> BaseException:
    """What the code of a file raises."""
    path.write_text(text)
    try:
        exec(compile(text, str(path), "exec"), {"__name__": "users"})
    except BaseException as error:
        return error
    raise AssertionError("nothing was raised")


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path / "users.py"


def test_the_innermost_line_of_the_user_is_found(file: Path) -> None:
    """The standard library raises the error."""
    error = execute(file, "import json\n\ndef read(text):\n    return json.loads(text)\n\nread('{')\n")

    assert isinstance(error, json.JSONDecodeError)
    assert find_place(error) == Place("users.py", 4, "read", "return json.loads(text)")
    assert str(find_place(error)) == "users.py, line 4, in read: return json.loads(text)"


def test_a_syntax_error_is_in_the_file_that_it_names(file: Path) -> None:
    assert find_place(execute(file, "x = 1\nx = = 2\n")) == Place("users.py", 2, "", "x = = 2")


def test_the_first_cause_comes_first(file: Path) -> None:
    error = ComponentError("it fails", "mend it")
    error.__cause__ = execute(file, "def f():\n    raise KeyError('word')\nf()\n")
    try:
        raise error
    except ComponentError as raised:
        place = find_place(raised)

    assert place == Place("users.py", 2, "f", "raise KeyError('word')")


def test_causes_in_a_circle_end() -> None:
    error = ValueError("round")
    error.__cause__ = error

    assert find_place(error) is None


@pytest.mark.parametrize(
    ("path", "users"),
    [
        ("users.py", True),
        ("notebook.ipynb", True),
        ("<ipython-input-3-0123>", True),
        ("<stdin>", True),
        (f"{sys.prefix}/lib/python3.11/site-packages/sklearn/base.py", False),
        (tracebacks.__file__, False),
        (json.__file__, False),
        ("<frozen importlib._bootstrap>", False),
        ("<string>", False),
        (f"{sys.prefix}/bin/fairing-kfp", False),
    ],
)
def test_files_of_libraries_are_not_the_users(path: str, users: bool) -> None:
    assert tracebacks._is_of_user(path) is users


def test_a_long_line_is_shortened(file: Path) -> None:
    place = find_place(execute(file, f"undefined('{'a' * 200}')\n"))

    assert place is not None
    assert len(place.source) == 61


class Shell:
    """IPython's shell, as far as it is used."""

    def __init__(self, mode: str, cell: str) -> None:
        self.InteractiveTB = SimpleNamespace(mode=mode, structured_traceback=lambda *_: ["all", "frames"])
        self.compile = SimpleNamespace(format_code_name=lambda file: ("Cell", "In[3]") if file == cell else None)


def test_ipython_displays_the_message_the_cell_and_the_remedy(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = "from fairing_kfp.errors import ComponentError\nraise ComponentError('train fails', 'mend it')\n"
    error = execute(file, text)
    assert isinstance(error, FairingError)
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: Shell("Context", str(file))))

    assert error._render_traceback_() == [
        "ComponentError: train fails",
        "  at Cell In[3], line 2: raise ComponentError('train fails', 'mend it')",
        "  → mend it",
    ]
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: Shell("Verbose", str(file))))
    assert error._render_traceback_() == ["all", "frames"]


def test_ipython_itself_shows_three_lines(
    file: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    ipython = pytest.importorskip("IPython")
    monkeypatch.setenv("IPYTHONDIR", str(file.parent))
    shell = ipython.core.interactiveshell.InteractiveShell()
    monkeypatch.setattr(ipython, "get_ipython", lambda: shell)
    shell.run_cell("from fairing_kfp.errors import ComponentError")
    shell.run_cell("def f():\n    raise ComponentError('fails', 'mend it') from KeyError(1)\nf()")

    assert capsys.readouterr().out.splitlines() == [
        "ComponentError: fails",
        "  at Cell In[1], line 2, in f: raise ComponentError('fails', 'mend it') from KeyError(1)",
        "  → mend it",
    ]
    shell.run_line_magic("tb", "Verbose")
    assert "The above exception was the direct cause" in capsys.readouterr().out
