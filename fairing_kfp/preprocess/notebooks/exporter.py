"""The script of a notebook as an exporter of nbconvert: `jupyter nbconvert --to fairing-script train.ipynb`.

It writes the script that `from_notebook(mode="script")` packs, and next to it the modules and files that it needs.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from nbconvert.exporters import Exporter
from nbconvert.preprocessors import Preprocessor, TagRemovePreprocessor
from nbconvert.utils.exceptions import ConversionException
from traitlets import Bool, List, Unicode, default
from traitlets.config import Config

from fairing_kfp.errors import PackError
from fairing_kfp.preprocess.notebooks.document import SKIPPED, Notebook, check_language, read_cell
from fairing_kfp.preprocess.notebooks.script import NotebookScript, notebook_script

_NUMBER = "fairing_number"


class NumberCells(Preprocessor):
    """Numbers cells by their place in the notebook, which they keep when others are removed."""

    @default("enabled")
    def _enabled(self) -> bool:
        return True

    def preprocess_cell(self, cell: Any, resources: Any, index: int) -> tuple[Any, Any]:
        """Puts its number into a cell's metadata."""
        cell.metadata[_NUMBER] = index + 1
        return cell, resources


class FairingScriptExporter(Exporter):
    """Exports a notebook as the script that a component runs in script mode."""

    export_from_notebook = "Fairing script"
    output_mimetype = "text/x-python"

    tags = List(Unicode(), help="Selects the cells that have any of these tags.").tag(config=True)
    writefile = Bool(False, help="Whether files that cells write with %%writefile are written.").tag(config=True)
    shell = Bool(False, help="Whether shell commands run, except those that install packages.").tag(config=True)
    class_name = Unicode("", help="A class of the notebook to run with fire after the cells.").tag(config=True)
    method = Unicode("", help="The method of the class to run.").tag(config=True)

    @default("file_extension")
    def _file_extension_default(self) -> str:
        return ".py"

    @default("default_preprocessors")
    def _default_preprocessors(self) -> list[type[Preprocessor]]:
        return [NumberCells, TagRemovePreprocessor]

    @property
    def default_config(self) -> Config:
        """Removes the cells whose tags exclude them."""
        return Config({"TagRemovePreprocessor": {"enabled": True, "remove_cell_tags": set(SKIPPED)}})

    def from_notebook_node(self, nb: Any, resources: Any = None, **options: Any) -> tuple[str, dict[str, Any]]:  # type: ignore[override]
        """Makes the script of a notebook.

        Args:
            nb: the notebook in nbformat 4.
            resources: what nbconvert knows of it; its metadata have name and path.
            options: ignored.

        Returns:
            The script, and the resources with other files under `outputs`.

        Raises:
            ConversionException: a cell is not valid Python, or needs code that is left out.
        """
        document, resources = super().from_notebook_node(nb, resources, **options)
        about = resources["metadata"]
        path = Path(about.get("path") or "", f"{about.get('name') or 'notebook'}.ipynb")
        try:
            script = self._script(path, document)
        except PackError as error:
            raise ConversionException(str(error)) from error
        for warning in script.warnings:
            self.log.warning(warning)
        # nbconvert's writer makes the folder of each file, and fails for a name without one
        resources["outputs"] = {f"./{name}": data for name, data in script.files.items()}
        return script.text, resources

    def _script(self, path: Path, document: Any) -> NotebookScript:
        check_language(path, document.metadata)
        code = (cell for cell in document.cells if cell.cell_type == "code")
        cells = tuple(read_cell(cell.metadata.pop(_NUMBER), cell) for cell in code)
        return notebook_script(
            Notebook(path, cells, document),
            tags=tuple(self.tags),
            writefile=self.writefile,
            shell=self.shell,
            class_name=self.class_name or None,
            method=self.method or None,
        )
