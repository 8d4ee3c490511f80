"""A whole notebook as a step: papermill runs it, and what it made is kept, whatever became of it."""

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
_LONGEST = 600  # characters of a status
_START_SECONDS = 300
_AGAIN_SECONDS = 5
_EMPTY: dict[str, Any] = {"int": 0, "float": 0.0, "bool": False, "str": "", "list": [], "dict": {}}
"""What stands for an output that a failed notebook did not give: KFP keeps a task's artifacts only if all are there.
Nothing reads it, as the gate fails the run."""
_FRAME = re.compile(r"^\s*(?:Cell In\[(\d+)\], line (\d+)|File <timed exec>:(\d+))", re.MULTILINE)
"""A frame of IPython's traceback: the execution count of its cell and the line, or the line in the body of `%%time`."""
_unfreed: list[BaseException] = []
"""Errors, and with them what papermill left of a kernel: freeing its sockets would wait for one that never listens."""


@dataclass(frozen=True)
class Notebook:
    """Runs the notebook that lies beside the step's code; called by KFP's executor.

    Attributes:
        title: the notebook's name.
        outputs: its output parameters with their types in Python.
        artifacts: the names of its output artifacts, beside `notebook` and `report`.
    """

    title: str
    outputs: Mapping[str, str]
    artifacts: tuple[str, ...] = ()

    def __call__(self, **arguments: Any) -> None:
        """Runs the notebook with KFP's arguments; ends well even if a cell fails, which the status then says."""
        import papermill  # noqa: F401 - where it is missing there is nothing to keep

        executed, page = (arguments.pop(name).path for name in ARTIFACTS)
        status = arguments.pop(STATUS)
        files = {name: arguments.pop(name) for name in self.outputs}
        with _scratch(os.path.dirname(executed)):
            folder = working_folder(os.path.join(rebuild.CODE, "files"))
            try:
                kernel.prepare({name: [file, self.outputs[name]] for name, file in files.items()})
                values = {name: _value(argument) for name, argument in arguments.items() if argument is not None}
                for name in self.artifacts:
                    os.makedirs(os.path.dirname(values[name]), exist_ok=True)
                ended = _run(values, folder, executed)
                said = ended.status or self._forgotten(files, values)
                _write(page, _page(executed, self.title, said, folder))
            finally:
                shutil.rmtree(folder, ignore_errors=True)
        for name, file in files.items():
            if not os.path.exists(file):
                empty = _EMPTY[self.outputs[name]]
                _write(file, empty if isinstance(empty, str) else json.dumps(empty))
        _write(status, said)
        if said:
            print(f"fairing-kfp: the notebook {self.title} failed: {said}", file=sys.stderr)
        if ended.signal:
            sys.exit(128 + ended.signal)

    def _forgotten(self, files: Mapping[str, str], values: Mapping[str, Any]) -> str:
        """Which declared outputs a notebook did not give although it ran to its end."""
        unrecorded = [name for name, file in files.items() if not os.path.exists(file)]
        if unrecorded:
            return f'it ran to its end, but never called record("{unrecorded[0]}", …), which is an output it declares'
        unwritten = [name for name in self.artifacts if not os.path.exists(values[name])]
        if unwritten:
            return f"it ran to its end, but wrote nothing to the path {unwritten[0]}, which is an output it declares"
        return ""


@dataclass(frozen=True)
class _Ended:
    """How a run ended: a sentence when something went wrong, and the signal that ended it."""

    status: str = ""
    signal: int = 0


class _Interrupted(BaseException):
    """A signal asked the step to end."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


def _run(values: dict[str, Any], folder: str, executed: str) -> _Ended:
    from papermill import execute_notebook
    from papermill.exceptions import PapermillExecutionError

    source = os.path.join(rebuild.CODE, "notebook.ipynb")
    made = os.path.join(folder, f".executed-{os.getpid()}.ipynb")
    os.makedirs(os.path.dirname(executed), exist_ok=True)
    shutil.copyfile(source, executed)  # for when not even a kernel starts
    logging.getLogger("papermill").setLevel(logging.ERROR)
    raised: BaseException | None = None
    name = ""
    try:
        with _signals():
            name, quiet = kernel.chosen(_read(source))
            execute_notebook(
                _literal(source),
                _literal(made),
                values,
                kernel_name=name,
                extra_arguments=quiet,
                language="python",
                progress_bar=False,
                stdout_file=sys.stdout,
                stderr_file=sys.stderr,
                start_timeout=_START_SECONDS,
                iopub_timeout=60,
                cwd=folder,
                config=kernel.sockets(),
            )
    except PapermillExecutionError:
        pass  # the notebook has it
    except (_Interrupted, Exception) as error:  # whatever it is, what the notebook made so far is kept
        raised = error
        _unfreed.append(error)
    if os.path.exists(made):
        shutil.move(made, executed)
    notebook = _read(executed)
    if raised is None:
        return _Ended(_failure(notebook, executed))
    where = _running(notebook)
    if isinstance(raised, _Interrupted):
        return _Ended(f"{where}it was ended by {signal.Signals(raised.number).name}", raised.number)
    if type(raised).__name__ == "DeadKernelError":
        return _Ended(f"{where}the kernel died; it was killed, as for too much memory, or left by itself")
    traceback.print_exception(raised)
    said = f"{type(raised).__name__}: {raised}"
    if not where:
        said = f"the kernel {name} did not start; the log may say more ({said})"
    return _Ended(_shortened(f"{where}{said}"))


def _failure(notebook: Any, executed: str) -> str:
    """What went wrong in a notebook's cells. Errors that a cell's tag `raises-exception` expects do not count."""
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
            found = found or _shortened(f"cell {number}: {_last_words(cell)}")  # IPython shows a UsageError as text
    if not found:  # papermill marks every error, also one that was expected
        notebook["cells"] = [c for c in notebook["cells"] if _ERROR_MARK not in c["metadata"].get("tags", [])]
        nbformat.write(notebook, executed)  # type: ignore[no-untyped-call]
    return found


def _last_words(cell: Any) -> str:
    texts = [one["text"] for one in cell["outputs"] if one["output_type"] == "stream" and one["text"].strip()]
    return plain(texts[-1]).strip().splitlines()[-1] if texts else "it failed without a word"


def _failing_line(cell: Any, error: Any) -> str:
    """The cell's own line that failed, wherever below it the error was raised."""
    frames = _FRAME.findall(plain("\n".join(error["traceback"])))
    own = [one for one in frames if one[2] or one[0] == str(cell.get("execution_count"))]
    if not own:
        return ""
    lines = cell["source"].split("\n")
    _, line_of_cell, line_of_body = own[-1]
    magic = next((n for n, text in enumerate(lines, 1) if text.lstrip().startswith("%%")), 0)
    line = int(line_of_cell or magic + int(line_of_body))
    return f" (line {line}: {lines[line - 1].strip()})" if 0 < line <= len(lines) else ""


def _running(notebook: Any) -> str:
    """The cell that ran last."""
    started = [n for n, cell in _numbered(notebook) if cell["metadata"].get("papermill", {}).get("start_time")]
    return f"cell {started[-1]}: " if started else ""


def _numbered(notebook: Any) -> Iterator[tuple[int, Any]]:
    """The cells with their numbers in the notebook as its author knows it, without what papermill put in."""
    number = 0
    for cell in notebook["cells"]:
        if not {"injected-parameters", _ERROR_MARK} & set(cell["metadata"].get("tags", [])):
            number += 1
        yield number, cell


@contextmanager
def _scratch(beside: str) -> Iterator[None]:
    """Room for temporary files where the image has none: KFP's folder of outputs can always be written to."""
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
def _signals() -> Iterator[None]:
    """Raises `_Interrupted` on SIGTERM and SIGINT, again and again: asyncio drops what a callback raises."""
    asked: list[int] = []

    def interrupt(number: int, frame: Any) -> None:
        if number != signal.SIGALRM:
            asked[:] = [number]
            signal.setitimer(signal.ITIMER_REAL, _AGAIN_SECONDS, _AGAIN_SECONDS)
        raise _Interrupted(asked[0])

    handled = (signal.SIGTERM, signal.SIGINT, signal.SIGALRM)
    before = {number: signal.signal(number, interrupt) for number in handled}
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        for number, handler in before.items():
            signal.signal(number, handler)


def _value(argument: Any) -> Any:
    """What the notebook's variable is: a parameter's value, or the path of an artifact."""
    if isinstance(argument, list):
        return [_value(item) for item in argument]
    return getattr(argument, "path", argument)


def _page(executed: str, title: str, status: str, folder: str) -> str:
    try:
        return report(_read(executed), title, status, folder)
    except Exception:  # hours of work are not lost for a page
        traceback.print_exc()
        return "<p>The report could not be made; see the artifact <code>notebook</code>.</p>\n"


def _literal(path: str) -> str:
    """Papermill takes paths for format strings."""
    return path.replace("{", "{{").replace("}", "}}")


def _shortened(text: str) -> str:
    text = " ".join(plain(text).split())
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]} …"


def _read(path: str) -> Any:
    import nbformat

    return nbformat.read(path, as_version=4)  # type: ignore[no-untyped-call]


def _write(path: str, text: str) -> None:
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8", errors="replace") as file:
        file.write(text)
