"""A notebook that runs as a whole → a bundle: the notebook, its own modules and files, and what runs it."""

from __future__ import annotations

import ast
import json
import re
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fairing_kfp.errors import SecretError
from fairing_kfp.image.layer import File
from fairing_kfp.preprocess import secrets
from fairing_kfp.preprocess.bundle import Bundle
from fairing_kfp.preprocess.code_names import resolve
from fairing_kfp.preprocess.files import Selection
from fairing_kfp.preprocess.notebook_file import check_secrets, is_skipped, read_document, stripped
from fairing_kfp.preprocess.packing import Packing
from fairing_kfp.preprocess.pickling import dumps
from fairing_kfp.preprocess.places import CODE
from fairing_kfp.preprocess.reading import read_files
from fairing_kfp.runtime.notebook import Notebook

PACKAGES = ("papermill>=2.6", "ipykernel>=6.29", "mistune>=3", "pygments")
"""What runs a notebook in its image and renders its report."""

_RUNNING = re.compile(r"%%(?:time|timeit|capture|prun)\b.*")  # cell magics whose body is Python


@dataclass(frozen=True)
class FullNotebookSource:
    """A notebook to run as a whole.

    Attributes:
        path: its file.
        annotations: what KFP gives it and takes from it.
        outputs: its output parameters with their types in Python.
        artifacts: the names of its output artifacts.
        modules: own modules to ship whole, beside those found.
        include: files of its folder that it needs, see `preprocess.files.Selection`.
        exclude: those of them that it does not.
    """

    path: Path
    annotations: Mapping[str, Any]
    outputs: Mapping[str, str]
    artifacts: tuple[str, ...] = ()
    modules: tuple[str, ...] = ()
    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()

    @property
    def folder(self) -> Path:
        """The notebook's folder."""
        return self.path.parent

    def bundle(self, name: str) -> Bundle:
        """Packs the notebook. What running or editing it changes, outputs above all, does not change a byte.

        Raises:
            PackError: the notebook or one of its files cannot be read.
            SecretError: something in it looks like a credential.
            ModuleNotPackedError: an own module cannot be found or shipped.
        """
        document = read_document(self.path)
        check_secrets(document, self.path.name)
        packing = Packing()
        with _importable(self.folder):
            packing.modules.add_whole(self.modules)
            for imported in _imports(document):
                packing.modules.add(imported)
        started = Notebook(self.path.stem, dict(self.outputs), self.artifacts)
        files = {
            "function.pickle": dumps({"function": started, "annotations": dict(self.annotations)}, packing),
            "notebook.ipynb": stripped(document),
            **{f"modules/{place}": path.read_bytes() for place, path in packing.modules.files.items()},
        }
        for place, data in files.items():
            found = secrets.secret_in_source(data.decode(errors="replace")) if place.endswith(".py") else None
            if found:
                raise SecretError(f"the own module {place} holds {found}", secrets.REMEDY)
        step = {"name": name, "python": list(sys.version_info[:2]), "packed_modules": [], "embedded": None}
        files["step.json"] = json.dumps(step, sort_keys=True).encode()
        beside = read_files(Selection(self.folder, self.include, self.exclude).files(), f"{CODE}/files")
        return Bundle(name, (*beside, *(File(f"{CODE}/{place}", files[place]) for place in sorted(files))))


@contextmanager
def _importable(folder: Path) -> Iterator[None]:
    """The notebook's folder is on its kernel's path."""
    sys.path.insert(0, str(folder))
    try:
        yield
    finally:
        sys.path.remove(str(folder))


def _imports(document: Any) -> Iterator[str]:
    """The names that a notebook's cells import, anywhere in them."""
    for cell in document.cells:
        if cell.cell_type != "code" or is_skipped(cell):
            continue
        source = re.sub(r"^([ \t]*)[%!].*$", r"\1pass", _RUNNING.sub("", cell.source, 1), flags=re.MULTILINE)
        try:
            tree = ast.parse(source)
        except (SyntaxError, ValueError):  # another language's cell, or an error that the kernel will show
            continue
        for node in ast.walk(tree):
            if isinstance(node, ast.Import):
                yield from (alias.name for alias in node.names)
            elif isinstance(node, ast.ImportFrom):
                base = resolve(node.module or "", node.level, "")
                yield base
                yield from (f"{base}.{alias.name}" for alias in node.names)
