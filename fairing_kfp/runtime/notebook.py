"""Runs a notebook as a step by papermill; the executed notebook and the outputs are kept in case of a failure too."""

from __future__ import annotations

import json
import logging
import os
import re
import shutil
import signal
import sys
import tempfile
import traceback
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from . import environment, kernel, rebuild
from .report import plain, report
from .working_folder import working_folder

ARTIFACTS = ("notebook", "report")
STATUS = "status"
_ERROR_MARK = "papermill-error-cell-tag"
_MAX_STATUS = 600  # characters of a status
_START_SECONDS = 300
_REPEAT_SECONDS = 5
_EMPTY: dict[str, Any] = {"int": 0, "float": 0.0, "bool": False, "str": "", "list": [], "dict": {}}
"""Values of the outputs that a failed notebook did not record: KFP keeps the artifacts of a task only if all outputs
exist. No task reads them, as the gate fails the run."""
_FRAME = re.compile(r"^\s*(?:Cell In\[(\d+)\], line (\d+)|File <timed exec>:(\d+))", re.MULTILINE)
"""A frame of IPython's traceback: the execution count of its cell and the line, or the line in the body of `%%time`."""
_kept_errors: list[BaseException] = []
"""References to errors, and so to papermill's client: freeing its sockets may wait for a kernel that never listens."""


@dataclass(frozen=True)
class Notebook:
    """Runs the notebook in the step's code folder; KFP's executor calls it.

    Attributes:
        title: the name of the notebook.
        outputs: the output parameters with their Python types.
        artifacts: the names of the output artifacts other than `notebook` and `report`.
    """

    title: str
    outputs: Mapping[str, str]
    artifacts: tuple[str, ...] = ()

    def __call__(self, **arguments: Any) -> None:
        """Runs the notebook with KFP's arguments. If a cell fails, the call succeeds, and `status` is the error."""
        import papermill  # noqa: F401 - fails before the outputs are written

        executed, page = (arguments.pop(name).path for name in ARTIFACTS)
        status = arguments.pop(STATUS)
        files = {name: arguments.pop(name) for name in self.outputs}
        with _temporary_folder(os.path.dirname(executed)):
            folder = working_folder(os.path.join(rebuild.CODE, "files"))
            try:
                kernel.prepare({name: [file, self.outputs[name]] for name, file in files.items()})
                values = {name: _value(argument) for name, argument in arguments.items() if argument is not None}
                for name in self.artifacts:
                    os.makedirs(os.path.dirname(values[name]), exist_ok=True)
                result = _run(values, folder, executed)
                failure = result.failure or self._missing_outputs(files, values)
                _write(page, _page(executed, self.title, failure, folder))
            finally:
                shutil.rmtree(folder, ignore_errors=True)
        for name, file in files.items():
            if not os.path.exists(file):
                empty = _EMPTY[self.outputs[name]]
                _write(file, empty if isinstance(empty, str) else json.dumps(empty))
        _write(status, failure)
        if failure:
            print(f"fairing-kfp: the notebook {self.title} failed: {failure}", file=sys.stderr)
        if result.signal:
            sys.exit(128 + result.signal)

    def _missing_outputs(self, files: Mapping[str, str], values: Mapping[str, Any]) -> str:
        """The failure of a notebook whose cells succeeded without writing a declared output; empty if all exist."""
        unrecorded = [name for name, file in files.items() if not os.path.exists(file)]
        if unrecorded:
            return f'all cells ran, but none called record("{unrecorded[0]}", …) for this declared output'
        unwritten = [name for name in self.artifacts if not os.path.exists(values[name])]
        if unwritten:
            return f"all cells ran, but none wrote to the path {unwritten[0]} of this declared output"
        return ""


@dataclass(frozen=True)
class _Result:
    """The result of a run: the failure or an empty text, and the signal that interrupted the run or 0."""

    failure: str = ""
    signal: int = 0


class _Interrupted(BaseException):
    """A signal interrupted the notebook."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


def _run(values: dict[str, Any], folder: str, executed: str) -> _Result:
    from papermill import execute_notebook
    from papermill.exceptions import PapermillExecutionError

    source = os.path.join(rebuild.CODE, "notebook.ipynb")
    partial = os.path.join(folder, f".executed-{os.getpid()}.ipynb")
    os.makedirs(os.path.dirname(executed), exist_ok=True)
    shutil.copyfile(source, executed)  # kept if the kernel does not start
    logging.getLogger("papermill").setLevel(logging.ERROR)
    raised: BaseException | None = None
    name = ""
    try:
        with _raising_on_signals():
            name, arguments = kernel.select(_read(source))
            execute_notebook(
                _literal(source),
                _literal(partial),
                values,
                kernel_name=name,
                extra_arguments=arguments,
                language="python",
                progress_bar=False,
                stdout_file=sys.stdout,
                stderr_file=sys.stderr,
                start_timeout=_START_SECONDS,
                iopub_timeout=60,
                cwd=folder,
                config=kernel.connection(),
            )
    except PapermillExecutionError:
        pass  # the executed notebook contains the error
    except (_Interrupted, Exception) as error:  # the executed notebook so far is kept
        raised = error
        _kept_errors.append(error)
    if os.path.exists(partial):
        shutil.move(partial, executed)
    notebook = _read(executed)
    if raised is None:
        return _Result(_failure(notebook, executed))
    where = _last_started(notebook)
    if isinstance(raised, _Interrupted):
        return _Result(f"{where}interrupted by {signal.Signals(raised.number).name}", raised.number)
    if type(raised).__name__ == "DeadKernelError":
        return _Result(f"{where}the kernel died; it was killed, for example for lack of memory, or it exited")
    traceback.print_exception(raised)
    failure = f"{type(raised).__name__}: {raised}"
    if not where:
        failure = f"the kernel {name} did not start; see the log ({failure})"
    return _Result(_shortened(f"{where}{failure}"))


def _failure(notebook: Any, executed: str) -> str:
    """The first error of a notebook's cells, except of cells tagged `raises-exception`; empty if none failed."""
    import nbformat

    found = ""
    for number, cell in _numbered(notebook):
        expected = "raises-exception" in cell["metadata"].get("tags", [])
        errors = [one for one in cell.get("outputs", []) if one["output_type"] == "error"]
        for error in [] if expected else errors:
            if error["ename"] == "SystemExit" and error["evalue"] in ("", "0", "None"):
                continue
            print(plain("\n".join(error["traceback"])), file=sys.stderr)
            found = found or _shortened(
                f"cell {number}: {error['ename']}: {error['evalue']}{_failing_line(cell, error)}"
            )
        if not expected and not errors and cell["metadata"].get("papermill", {}).get("exception"):
            found = found or _shortened(f"cell {number}: {_last_line(cell)}")  # IPython prints a UsageError as text
    if not found:  # papermill marks ignored errors too
        notebook["cells"] = [c for c in notebook["cells"] if _ERROR_MARK not in c["metadata"].get("tags", [])]
        nbformat.write(notebook, executed)  # type: ignore[no-untyped-call]
    return found


def _last_line(cell: Any) -> str:
    texts = [one["text"] for one in cell["outputs"] if one["output_type"] == "stream" and one["text"].strip()]
    return plain(texts[-1]).strip().splitlines()[-1] if texts else "it failed without a message"


def _failing_line(cell: Any, error: Any) -> str:
    """The line of the cell that failed, from the innermost frame in the cell."""
    frames = _FRAME.findall(plain("\n".join(error["traceback"])))
    own = [one for one in frames if one[2] or one[0] == str(cell.get("execution_count"))]
    if not own:
        return ""
    lines = cell["source"].split("\n")
    _, line_of_cell, line_of_body = own[-1]
    magic = next((n for n, text in enumerate(lines, 1) if text.lstrip().startswith("%%")), 0)
    line = int(line_of_cell or magic + int(line_of_body))
    return f" (line {line}: {lines[line - 1].strip()})" if 0 < line <= len(lines) else ""


def _last_started(notebook: Any) -> str:
    """The prefix of messages for the cell that started last; empty if no cell has started."""
    started = [n for n, cell in _numbered(notebook) if cell["metadata"].get("papermill", {}).get("start_time")]
    return f"cell {started[-1]}: " if started else ""


def _numbered(notebook: Any) -> Iterator[tuple[int, Any]]:
    """The cells with their numbers in the author's notebook; cells that papermill inserted are not counted."""
    number = 0
    for cell in notebook["cells"]:
        if not {"injected-parameters", _ERROR_MARK} & set(cell["metadata"].get("tags", [])):
            number += 1
        yield number, cell


@contextmanager
def _temporary_folder(beside: str) -> Iterator[None]:
    """Sets a folder for temporary files if the image has none, beside the outputs, which are always writable."""
    try:
        tempfile.gettempdir()
    except FileNotFoundError:
        os.makedirs(beside, exist_ok=True)
        tempfile.tempdir = os.environ["TMPDIR"] = tempfile.mkdtemp(prefix=".scratch-", dir=beside)
        environment.make_folders_writable()
        try:
            yield
        finally:
            shutil.rmtree(tempfile.tempdir, ignore_errors=True)
    else:
        yield


@contextmanager
def _raising_on_signals() -> Iterator[None]:
    """Raises `_Interrupted` on SIGTERM and SIGINT, repeatedly, since asyncio drops exceptions of callbacks."""
    received: list[int] = []

    def interrupt(number: int, frame: Any) -> None:
        if number != signal.SIGALRM:
            received[:] = [number]
            signal.setitimer(signal.ITIMER_REAL, _REPEAT_SECONDS, _REPEAT_SECONDS)
        raise _Interrupted(received[0])

    handled = (signal.SIGTERM, signal.SIGINT, signal.SIGALRM)
    before = {number: signal.signal(number, interrupt) for number in handled}
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        for number, handler in before.items():
            signal.signal(number, handler)


def _value(argument: Any) -> Any:
    """The value of a notebook's variable: the value of a parameter, or the path of an artifact."""
    if isinstance(argument, list):
        return [_value(item) for item in argument]
    return getattr(argument, "path", argument)


def _page(executed: str, title: str, status: str, folder: str) -> str:
    try:
        return report(_read(executed), title, status, folder)
    except Exception:  # a failure of the report must not lose the results
        traceback.print_exc()
        return "<p>The report could not be created; see the artifact <code>notebook</code>.</p>\n"


def _literal(path: str) -> str:
    """Escapes a path, since papermill formats paths as templates."""
    return path.replace("{", "{{").replace("}", "}}")


def _shortened(text: str) -> str:
    text = " ".join(plain(text).split())
    return text if len(text) <= _MAX_STATUS else f"{text[:_MAX_STATUS]} …"


def _read(path: str) -> Any:
    import nbformat

    return nbformat.read(path, as_version=4)  # type: ignore[no-untyped-call]


def _write(path: str, text: str) -> None:
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8", errors="replace") as file:
        file.write(text)
