"""Packs the cases of the corpus in a process of its own: `python corpus_packer.py HOW FOLDER FILE…` writes $OUT.

HOW is `import` (a plain import) or `load` (as the command line does it). A file run as a script calls `main` itself.
"""

from __future__ import annotations

import hashlib
import importlib
import json
import os
import sys
import types
import typing
from pathlib import Path
from typing import Any

FILES = ["literals.py", "shapes.py", "calls.py", "annotated.py", "hinted.py", "made.py", "lab/steps.py"]
FILES += ["grouped.py"] if sys.version_info >= (3, 11) else []
FILES += ["modern.py"] if sys.version_info >= (3, 12) else []


def packed(module: dict[str, Any]) -> dict[str, Any]:
    """Each case of a module as its bundle."""
    from fairing_kfp import component, prepare
    from fairing_kfp.preprocess.function import FunctionSource, bundle

    made = {}
    components = {id(source.function): source for source in component._sources.values()}
    for name, case in sorted(module.items()):
        if name.startswith("case_"):
            function = getattr(case, "python_func", case)
            if id(function) in components:
                made[name] = prepare.pack(components[id(function)])
                continue
            annotations = typing.get_type_hints(function, include_extras=True)
            made[name] = bundle(FunctionSource(name.replace("_", "-"), function, annotations))
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
        from fairing_kfp.errors import PipelineError
        from fairing_kfp.loading import load_pipeline

        try:
            load_pipeline(str(Path(folder, file)))
        except PipelineError as error:
            assert "no pipeline" in str(error), error
        return sys.modules[name]
    if folder not in sys.path:
        sys.path.insert(0, folder)
    return importlib.import_module(name)


def main(module: dict[str, Any] | None = None) -> None:
    made: dict[str, Any] = {}
    if module is not None:
        made.update(digests(module))
    else:
        how, folder, *files = sys.argv[1:]
        modules = {file: load(how, folder, file) for file in files}
        if os.environ.get("AS_NOBODY"):
            digests({})
            os.setgid(65534)
            os.setuid(65534)
        for loaded in modules.values():
            made.update(digests(vars(loaded)))
    with open(os.environ["OUT"], "w") as file:
        json.dump(made, file)


if __name__ == "__main__":
    main()
