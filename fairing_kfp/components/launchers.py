"""Programs of bundles: they call a function, or run a notebook in full, with the arguments of the command line."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from fairing_kfp.preprocess.arguments.reader_code import PATH, Option, reader_code
from fairing_kfp.preprocess.image_paths import ROOT

PROGRAM = "code/run.py"
"""The program, relative to `opt/fairing`; beside the folder of the user's files."""

COMMAND = ("python3", "-u", f"/{ROOT}/{PROGRAM}")

RETURN = "return"
"""The option with the path that a function's result is written to. No parameter can have this name."""

_FUNCTION = '''\
"""Calls {function} of the module {module} with the arguments of the command line."""

import importlib
import json
import os
import sys

{reader}
here = os.path.dirname(os.path.abspath(__file__))
files = os.path.join(here, "files")
sys.path[:] = [*{imported}, *(entry for entry in sys.path if entry != here)]
output = _given.pop("return", None)
result = getattr(importlib.import_module("{module}"), "{function}")(**_given)
if output:
    output.parent.mkdir(parents=True, exist_ok=True)
    output.write_text(result if isinstance(result, str) else json.dumps(result), encoding="utf-8")
'''


def function_program(module: str, function: str, folder: str, options: Sequence[Option]) -> bytes:
    """The program that calls a function; it imports the module, which nothing did before.

    Args:
        module: the module's name.
        function: the function's.
        folder: the folder of the source that the module is imported from, relative to it.
        options: the function's parameters.
    """
    result = Option(RETURN, PATH, help="file that the result is written to; JSON, unless it is a str")
    imported = f'[os.path.join(files, "{folder}"), files]' if folder else "[files]"
    text = _FUNCTION.format(module=module, function=function, reader=reader_code([*options, result]), imported=imported)
    return text.encode()


_NOTEBOOK = '''\
"""Runs the notebook {shown} in full with the arguments of the command line."""

import os
import sys
import types

{reader}
here = os.path.dirname(os.path.abspath(__file__))
root = os.path.dirname(here)
runtime = os.path.join(root, "runtime")
sys.path[:] = [runtime, *(entry for entry in sys.path if entry != here)]

from fairing_runtime import environment, rebuild  # noqa: E402
from fairing_runtime.notebook import Notebook  # noqa: E402

sys.path.remove(runtime)
report = str(_given.pop("report"))
outputs = {outputs!r}
kept = set(_given)
files = {{name: str(_given.pop(name, f"{{report}}.{{name}}")) for name in ("notebook", "status", *outputs)}}
rebuild.CODE = here
environment.add_sites(root)
environment.make_folders_writable()
try:
    pages = {{"notebook": types.SimpleNamespace(path=files["notebook"]), "report": types.SimpleNamespace(path=report)}}
    Notebook({title!r}, outputs)(**{{**files, **pages, **_given}})
    with open(files["status"], encoding="utf-8") as file:
        failed = bool(file.read())
finally:
    for name, path in files.items():
        if name not in kept and os.path.exists(path):
            os.remove(path)
if failed and "status" not in kept:
    sys.exit(1)
'''
_NOTEBOOK_OPTIONS = (
    Option("report", PATH, required=True, help="file for the executed notebook as HTML"),
    Option("notebook", PATH, help="file for the executed notebook"),
    Option("status", PATH, help="file for the failure, if any; the program then succeeds in any case"),
)


def notebook_program(title: str, options: Sequence[Option], outputs: Mapping[str, str]) -> bytes:
    """The program that runs `code/notebook.ipynb` in full, by the runtime.

    Args:
        title: the notebook's name.
        options: its parameters.
        outputs: values that it records, with their types.
    """
    recorded = [Option(name, PATH, help=f"file for the {kind} that is recorded") for name, kind in outputs.items()]
    shown = title.replace("\\", "\\\\").replace('"', "'")
    reader = reader_code([*_NOTEBOOK_OPTIONS, *recorded, *options])
    return _NOTEBOOK.format(title=title, shown=shown, outputs=dict(outputs), reader=reader).encode()


NOTEBOOK_NAMES = frozenset(option.name for option in _NOTEBOOK_OPTIONS)
"""Names that parameters of notebooks cannot have."""
