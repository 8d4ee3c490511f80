"""A notebook that runs in full → a bundle: the notebook, its own modules and files, and the function that runs it."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import field
from pathlib import Path
from typing import Any, ClassVar

from fairing_kfp.errors import PackError
from fairing_kfp.frozen import dataclass
from fairing_kfp.preprocess.bundle import Bundle
from fairing_kfp.preprocess.files.read import read_files
from fairing_kfp.preprocess.files.selection import Selection
from fairing_kfp.preprocess.image_paths import NOTEBOOK, WORKING
from fairing_kfp.preprocess.modules.imports import absolute_names, imports_in
from fairing_kfp.preprocess.notebooks.document import Notebook as Document
from fairing_kfp.preprocess.notebooks.document import read_notebook
from fairing_kfp.preprocess.notebooks.magics import without_line_magics
from fairing_kfp.preprocess.notebooks.python_2 import is_python_2
from fairing_kfp.preprocess.pickle.context import Packing
from fairing_kfp.preprocess.step_file import step_files
from fairing_kfp.runtime.notebook import Notebook
from fairing_kfp.runtime.typed_function import TypedFunction
from fairing_kfp.runtime.value_types import ValueType

PACKAGES = ("papermill>=2.6", "ipykernel>=6.29", "mistune>=3", "pygments")
"""The packages that run a notebook in its image and render its report."""

_RUNNING = re.compile(r"%%(?:time|timeit|capture|prun)\b.*")  # cell magics whose body is Python


@dataclass(frozen=True)
class NotebookSource:
    """A notebook to run in full.

    Attributes:
        path: its file.
        annotations: the type hints of its inputs and outputs in KFP.
        outputs: the Python types of its output parameters, by name.
        artifacts: names of its output artifacts.
        modules: own modules to pack in full, in addition to imported ones.
        include: more files: names, folders and globs, relative to its folder.
        exclude: patterns of files to leave out, as in an ignore file.
        types: types of inputs that KFP does not read itself.
    """

    is_file: ClassVar[bool] = True
    needs_gate: ClassVar[bool] = True

    path: Path
    annotations: Mapping[str, Any]
    outputs: Mapping[str, str]
    artifacts: tuple[str, ...] = ()
    modules: tuple[str, ...] = ()
    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    types: Mapping[str, ValueType] = field(default_factory=dict)

    @property
    def folder(self) -> Path:
        """The notebook's folder."""
        return self.path.parent

    def bundle(self, name: str, allow: Sequence[str] = ()) -> Bundle:
        """Packs the notebook, without outputs and other data that change when it is run or viewed.

        Args:
            name: the step's name.
            allow: names, files and fingerprints of what only looks like a credential.

        Raises:
            PackError: the notebook or one of its files cannot be read.
            SecretError: a cell or a file seems to contain a credential.
            ModuleNotPackedError: an own module cannot be found or packed.
        """
        document = read_notebook(self.path)
        packing = Packing()
        with _importable(self.folder):
            packing.modules.add_whole(self.modules, self.folder)
            for imported in _imports(document):
                packing.modules.add(imported)
        started: Notebook | TypedFunction = Notebook(self.path.stem, dict(self.outputs), self.artifacts)
        if self.types:
            started = TypedFunction(name, started, dict(self.types), rebuilds=False)
        files = {NOTEBOOK: document.stripped()}
        packed = step_files(name, started, self.annotations, packing, files=files)
        included = read_files(Selection(self.folder, self.include, self.exclude).files(), WORKING)
        return Bundle(name, (*included, *packed), found=tuple(document.findings()), allow=tuple(allow))


@contextmanager
def _importable(folder: Path) -> Iterator[None]:
    """Makes the modules of the notebook's folder importable, as in its kernel."""
    sys.path.insert(0, str(folder))
    try:
        yield
    finally:
        sys.path.remove(str(folder))


def _imports(document: Document) -> Iterator[str]:
    """The names that the cells of a notebook import, anywhere in them."""
    for cell in document.cells:
        if cell.is_skipped:
            continue
        source = without_line_magics(_RUNNING.sub("", cell.source, 1))
        try:
            tree = ast.parse(source)
        except (SyntaxError, ValueError) as error:  # a cell in another language, or an error that the kernel reports
            if document.is_python_2 and is_python_2(source, error) and not cell.source.lstrip().startswith("%%"):
                raise PackError(
                    f"{document.name}, cell {cell.number}: this is Python 2",
                    "convert the notebook to Python 3, or tag the cell `skip`",
                ) from error
            continue
        yield from absolute_names(imports_in(tree), "")
