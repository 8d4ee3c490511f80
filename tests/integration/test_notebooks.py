"""Notebooks in full mode in their image: their outputs, above all after failures."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from kfp import dsl
from nbformat import v4, write

from tests.support.notebook_runs import Case, Ran, run_all
from tests.support.paths import TESTS

pytestmark = [pytest.mark.docker, pytest.mark.registry]

CORPUS = TESTS / "notebooks"
REFUSED = {"await_top_level": "cell 2: SyntaxError: 'await'", "empty_cells": "cell 4: UsageError: %%time"}
"""Notebooks with a cell that IPython itself rejects."""


def code(source: str, *tags: str) -> Any:
    return v4.new_code_cell(source, metadata={"tags": list(tags)} if tags else {})


FIRST = code("print('first', flush=True)")
LAST = code("print('last')")
RECORD = "from fairing_kfp import record\n"

NOTEBOOKS: dict[str, tuple[list[Any], str, dict[str, Any]]] = {
    "fine": (
        [
            code("depth = 8", "parameters"),
            code("import os\nprint(depth, os.getuid())"),
            code("1 / 0", "raises-exception"),
            code("raise RuntimeError('for the author alone')", "skip"),
            code("%env X=1\n!echo shell $X\n%time y = 1"),
            code("%%bash\necho bash"),
            code("import asyncio\nawait asyncio.sleep(0)\nprint('awaited')"),
            code("import subprocess, sys\nsubprocess.run([sys.executable, '-c', 'import papermill'], check=True)"),
            code("import helper_of_notebooks\nprint(helper_of_notebooks.VALUE, open('data.txt').read())"),
            code("try:\n    from fairing_kfp import compile\nexcept ImportError as error:\n    print(error)"),
            code(RECORD + "record('score', 0.5)"),
            code("try:\n    record('scores', 1)\nexcept LookupError as error:\n    print(error)"),
            code("open(model, 'w').write('m')"),
            LAST,
        ],
        "",
        {"score": dsl.OutputPath(float), "model": dsl.Output[dsl.Model]},
    ),
    "raises": (
        [FIRST, code("def f(x):\n    return 1 / x\n\nf(0)"), LAST],
        r"cell 2: ZeroDivisionError: division by zero \(line 2: return 1 / x\)",
        {},
    ),
    "expected-then-not": ([code("1 / 0", "raises-exception"), code("int('x')")], "cell 2: ValueError: invalid", {}),
    "syntax": ([FIRST, code("x = = 1")], "cell 2: SyntaxError: ", {}),
    "usage": ([FIRST, code("%%time"), LAST], "cell 2: UsageError: %%time is a cell magic", {}),
    "killed": (
        [FIRST, code("import os, signal\nos.kill(os.getpid(), signal.SIGKILL)"), LAST],
        "cell 2: the kernel died",
        {},
    ),
    "leaves": ([FIRST, code("import os\nos._exit(3)"), LAST], "cell 2: the kernel died", {}),
    "exits": ([FIRST, code("import sys\nsys.exit(3)"), LAST], "cell 2: SystemExit: 3", {}),
    "exits-well": ([FIRST, code("import sys\nsys.exit()"), LAST], "", {}),
    "interrupted": ([FIRST, code("raise KeyboardInterrupt()")], "cell 2: KeyboardInterrupt", {}),
    "terminated": (
        [FIRST, code("import os, signal, time\nos.kill(os.getppid(), signal.SIGTERM)\ntime.sleep(600)"), LAST],
        "cell 2: interrupted by SIGTERM",
        {},
    ),
    "unrecorded": ([FIRST], r'none called record\("score", …\)', {"score": dsl.OutputPath(float)}),
    "unwritten": ([FIRST], "none wrote to the path model", {"model": dsl.Output[dsl.Model]}),
}
SOME_OF_CORPUS = ("autocall", "format_3", "no_kernel", "parameters_given", "parameters_injected")
"""Notebooks whose file, kernel or parameters matter to papermill; the others repeat how IPython runs cells."""


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("notebooks")


@pytest.fixture(scope="module")
def ran(shared: Path, notebook_image: str, docker_engine: Callable[..., str]) -> dict[str, Ran]:
    """All notebooks, run at once, since starting kernels takes time."""
    (shared / "helper_of_notebooks.py").write_text("VALUE = 'own module'\n")
    (shared / "data.txt").write_text("own file")
    cases = {}
    for name, (cells, _, arguments) in NOTEBOOKS.items():
        # the image does not have this kernel: the step's Python is used
        kernel = {"name": "my-project", "display_name": "mine", "language": "python"}
        write(v4.new_notebook(cells=cells, metadata={"kernelspec": kernel}), shared / f"{name}.ipynb")
        include = ("data.txt",) if name == "fine" else ()
        cases[name] = Case(shared / f"{name}.ipynb", arguments, include=include)
    folder = shared / "cases"
    folder.mkdir()
    return run_all(cases, notebook_image, folder)


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_outputs_are_kept_after_any_failure(ran: dict[str, Ran], name: str) -> None:
    done, (cells, expected, arguments) = ran[name], NOTEBOOKS[name]

    assert done.code == (143 if name == "terminated" else 0), done.log
    assert re.search(expected, done.status) if expected else done.status == "", done.log
    report = (done.outputs / "report").read_text()
    assert "Content-Security-Policy" in report
    assert "<script" not in report
    assert (done.status.split("(")[0].split(":")[0] in report) if expected else "All cells ran." in report
    assert FIRST not in cells or "first" in done.printed
    assert LAST not in cells or ("last" in done.printed) == (not expected and name != "exits-well")
    for output, annotation in arguments.items():
        if isinstance(annotation, dsl.OutputPath):
            json.loads((done.outputs / output).read_text())


def test_outputs_of_a_step(ran: dict[str, Ran]) -> None:
    fine = ran["fine"]

    assert (fine.outputs / "score").read_text() == "0.5"
    assert (fine.outputs / "model").read_text() == "m"
    for printed in ("8 54321", "own module own file", "shell 1", "bash", "awaited"):
        assert printed in fine.printed
    assert "fairing_kfp.compile is not available in a step" in fine.printed
    assert "the step declares no output" in fine.printed


def test_the_log_shows_what_is_printed_and_the_traceback(ran: dict[str, Ran]) -> None:
    log = ran["raises"].log

    assert log.startswith("first\n")
    assert "----> 2     return 1 / x" in log
    assert log.endswith("(line 2: return 1 / x)\n")
    assert "papermill" not in log


def _corpus(all_of_it: bool) -> Iterator[tuple[str, dict[str, Any]]]:
    for path in sorted(CORPUS.glob("*.ipynb")):
        about = json.loads(path.read_text())["metadata"].get("test", {})
        if about.get("only", "") in ("", "full") and (all_of_it or path.stem in SOME_OF_CORPUS):
            yield path.stem, about


@pytest.fixture(scope="module")
def corpus(
    shared: Path, notebook_image: str, docker_engine: Callable[..., str], pytestconfig: pytest.Config
) -> dict[str, Ran]:
    """Notebooks of the corpus, run at once."""
    folder = shared / "corpus"
    folder.mkdir()
    cases = {
        name: Case(
            CORPUS / f"{name}.ipynb",
            values=about.get("values", {}),
            include=tuple(about.get("options", {}).get("include", ())),
        )
        for name, about in _corpus(pytestconfig.getoption("exhaustive"))
    }
    return run_all(cases, notebook_image, folder)


@pytest.mark.parametrize(
    ("name", "about"),
    [
        pytest.param(name, about, id=name, marks=() if name in SOME_OF_CORPUS else pytest.mark.exhaustive)
        for name, about in _corpus(all_of_it=True)
    ],
)
def test_corpus(corpus: dict[str, Ran], name: str, about: dict[str, Any]) -> None:
    done = corpus[name]

    assert done.code == 0, done.log
    if name in REFUSED:
        assert done.status.startswith(REFUSED[name])
        return
    assert done.status == "", done.log
    results = re.findall(r"^RESULT (.*)$", done.printed, re.MULTILINE)
    assert results, done.log + str(done.notebook)
    assert json.loads(results[-1]) == about["expected"]
