"""Packs the cases of the corpus in a process of its own and prints their digests.

Usage: `python corpus_packer.py HOW FOLDER FILE…`. HOW is `import` (a plain import), `load` (like the command line) or
`script` (each as a program). A file that is run as a script calls `main` itself. `edit FOLDER` reads edits of files
from its standard input, and packs after each of them.
"""

from __future__ import annotations

import hashlib
import importlib
import json
import os
import runpy
import sys
import types
import typing
from collections.abc import Callable
from pathlib import Path
from typing import Any

FILES = ["literals.py", "shapes.py", "calls.py", "annotated.py", "hinted.py", "made.py", "generated.py", "lab/steps.py"]
FILES += ["grouped.py"] if sys.version_info >= (3, 11) else []
FILES += ["modern.py"] if sys.version_info >= (3, 12) else []


def packed(module: dict[str, Any]) -> dict[str, Any]:
    """The bundle of each case of a module."""
    from fairing_kfp.preprocess import source
    from fairing_kfp.preprocess.function import FunctionSource

    made = {}
    components = {id(getattr(made_of.code, "function", None)): made_of for made_of in source.components()}
    for name, case in sorted(module.items()):
        if name.startswith("case_"):
            function = getattr(case, "python_func", case)
            if id(function) in components:
                component = components[id(function)]
                made[name] = component.code.bundle(component.name)
                continue
            annotations = typing.get_type_hints(function, include_extras=True)
            made[name] = FunctionSource(function, annotations).bundle(name.replace("_", "-"))
    return made


def digests(module: dict[str, Any]) -> dict[str, str]:
    """The digest of each case of a module."""
    return {
        name: hashlib.sha256(b"".join(f.path.encode() + b"\0" + f.data for f in made.files)).hexdigest()
        for name, made in packed(module).items()
    }


def load(how: str, folder: str, file: str) -> types.ModuleType:
    """The module of a file of the corpus."""
    name = file.removesuffix(".py").replace("/", ".")
    if how == "load":
        from fairing_kfp.component.load import load_pipeline
        from fairing_kfp.errors import PipelineError

        try:
            load_pipeline(str(Path(folder, file)))
        except PipelineError as error:
            if "has no pipeline" not in str(error):
                raise
        return sys.modules[name]
    if folder not in sys.path:
        sys.path.insert(0, folder)
    return importlib.import_module(name)


def _first() -> int:
    return 1


def forked(work: Callable[[], None]) -> Any:
    """What a function prints in a new process, as JSON."""
    reader, writer = os.pipe()
    if not os.fork():
        os.dup2(writer, 1)
        try:
            work()
        except BaseException as error:
            answer({"error": repr(error)})
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader) as printed:
        made = json.load(printed)
    os.wait()
    return made


def answer(made: Any) -> None:
    """Prints digests."""
    os.write(1, f"{json.dumps(made)}\n".encode())


def script(folder: str, file: str) -> dict[str, str]:
    """The digests of the cases of a file that is run as a program."""

    def work() -> None:
        sys.argv = [str(Path(folder, file))]
        sys.path.insert(0, folder)
        if "/" in file:  # its relative imports need -m
            runpy.run_module(file.removesuffix(".py").replace("/", "."), run_name="__main__", alter_sys=True)
        else:
            runpy.run_path(sys.argv[0], run_name="__main__")

    made: dict[str, str] = forked(work)
    return made


def edited(folder: str, file: str, edits: list[dict[str, str]]) -> list[dict[str, str]]:
    """The digests of the cases of a file after each edit (new texts by path), each in a new process."""
    made = []
    for edit in edits:
        before = {path: Path(folder, path).read_text() for path in edit}
        for path, text in edit.items():
            Path(folder, path).write_text(text)
        made.append(forked(lambda: answer(digests(vars(load("import", folder, file))))))
        for path, text in before.items():
            Path(folder, path).write_text(text)
    return made


def import_all() -> None:
    """Imports what packing and decorating import, once for all processes that this one forks."""
    from fairing_kfp.component.kfp_import import import_kfp

    digests({"case_first": _first})
    import_kfp()


def main(module: dict[str, Any] | None = None) -> None:
    from fairing_kfp.preprocess import bundle

    bundle._scan = lambda file, owner: ()  # looking for credentials is half of the work, and changes no file
    made: Any = {}
    if module is not None:
        made.update(digests(module))
    elif sys.argv[1] == "script":
        import_all()
        for file in sys.argv[3:]:
            made.update(script(sys.argv[2], file))
    elif sys.argv[1] == "edit":
        import_all()
        made = [edited(sys.argv[2], *work) for work in json.load(sys.stdin)]
    else:
        how, folder, *files = sys.argv[1:]
        modules = {file: load(how, folder, file) for file in files}
        if os.environ.get("AS_NOBODY"):
            for late in ("pickle.pickler", "modules.package_files", "secrets.scan", "secrets.containers"):
                importlib.import_module(f"fairing_kfp.preprocess.{late}")  # before it may not read modules any more
            digests({})
            os.setgid(65534)
            os.setuid(65534)
        for loaded in modules.values():
            made.update(digests(vars(loaded)))
    answer(made)


if __name__ == "__main__":
    main()
