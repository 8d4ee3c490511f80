"""Notebooks that run as scripts."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fairing_kfp.classic.constants import constants
from fairing_kfp.classic.notebook import notebook_util
from fairing_kfp.classic.preprocessors.base import BasePreProcessor, image_options
from fairing_kfp.classic.work.deprecation import warn_unused
from fairing_kfp.errors import ConfigError

if TYPE_CHECKING:
    from fairing_kfp.component.interface import Component


class FilterMagicCommands:
    """Leaves out magics and shell commands; what a notebook that runs as a script always does."""

    _pattern = re.compile(r"\s*[!%]")

    def filter_magic_commands(self, src: str) -> str:
        """The lines of a cell that are no magics or shell commands."""
        return "\n".join(line for line in src.splitlines() if not self._pattern.match(line))

    def preprocess_cell(self, cell: Any, resources: Any, index: int) -> tuple[Any, Any]:
        """Filters a cell of code."""
        if cell["cell_type"] == "code":
            cell["source"] = self.filter_magic_commands(cell["source"])
        return cell, resources


class FilterIncludeCell:
    """Selects the cells marked `fairing:include-cell`; what happens if any cell has that mark."""

    _pattern = re.compile(r".*fairing:include-cell.*")

    def filter_include_cell(self, src: str) -> str:
        """The cell, if it has the mark; else an empty one."""
        return src if any(self._pattern.match(line) for line in src.splitlines()) else ""

    def preprocess_cell(self, cell: Any, resources: Any, index: int) -> tuple[Any, Any]:
        """Filters a cell of code."""
        if cell["cell_type"] == "code":
            cell["source"] = self.filter_include_cell(cell["source"])
        return cell, resources


class ConvertNotebookPreprocessor(BasePreProcessor):
    """A notebook that runs as one script, without magics and shell commands. Nothing is written next to it.

    Args:
        notebook_file: the notebook; by default the running one.
        notebook_preprocessor: has no effect any more; see the two filters above.
        executable: has no effect any more.
        command: has no effect any more.
        path_prefix: see `BasePreProcessor`.
        output_map: see `BasePreProcessor`.
        overwrite: has no effect any more.

    Raises:
        ComponentError: the path of the running notebook is unknown.
        ConfigError: the notebook does not exist.
    """

    _class_name: str | None = None
    _default_filter: type = FilterMagicCommands

    def __init__(
        self,
        notebook_file: str | None = None,
        notebook_preprocessor: Any = FilterMagicCommands,
        executable: str | None = None,
        command: Sequence[str] = ("python",),
        path_prefix: str = constants.DEFAULT_DEST_PREFIX,
        output_map: Mapping[str, str] | None = None,
        overwrite: bool = True,
    ) -> None:
        call = type(self).__name__
        filters = (FilterMagicCommands, FilterIncludeCell)
        given = self._default_filter if notebook_preprocessor in filters else notebook_preprocessor
        marks = "mark cells with fairing:include-cell, or tag those to leave out with skip"
        warn_unused(call, "notebook_preprocessor", given, self._default_filter, marks)
        warn_unused(call, "executable", executable, None, "the script has the notebook's name")
        warn_unused(call, "command", list(command), ["python"], "the script runs with the image's Python")
        warn_unused(call, "overwrite", overwrite, True, "no file is written next to the notebook")
        self.notebook_file = notebook_file or str(notebook_util.find())
        if not Path(self.notebook_file).is_file():
            raise ConfigError(
                f"the notebook {self.notebook_file} does not exist", f"give its path relative to {Path.cwd()}"
            )
        super().__init__(path_prefix=path_prefix, output_map=output_map)

    def set_default_executable(self) -> None:
        """Sets nothing, since the notebook runs."""

    def component(self, options: Mapping[str, Any], *, logged: bool = False) -> Component[..., Any]:
        """The KFP component of the notebook; see `BasePreProcessor`.

        Raises:
            PackError: the notebook cannot be read, or a cell is not valid Python.
        """
        from fairing_kfp.classic.work.code import ClassicScript
        from fairing_kfp.classic.work.component import script_component
        from fairing_kfp.component.notebook_script import CodeSelection, script_of_notebook

        path = Path(os.path.normpath(Path.cwd() / self.notebook_file))
        files = self.files(path.parent)
        selection = CodeSelection(class_name=self._class_name)
        code, _, packages = script_of_notebook(path.parent, path.name, {}, selection, files.include)
        made = image_options(files, options)
        if packages:
            made["packages"] = [*packages, *_lines(made.get("packages", ""), path)]
        return script_component(ClassicScript(**vars(code)), path.stem, {**options, **made})


class ConvertNotebookPreprocessorWithFire(ConvertNotebookPreprocessor):
    """A notebook whose cells marked `fairing:include-cell` run as one script, and then a class with fire.

    Args:
        class_name: the class, whose `train` or only method is called; by default none.
        notebook_file: see `ConvertNotebookPreprocessor`, as the others.
    """

    _default_filter = FilterIncludeCell

    def __init__(
        self,
        class_name: str | None = None,
        notebook_file: str | None = None,
        notebook_preprocessor: Any = FilterIncludeCell,
        executable: str | None = None,
        command: Sequence[str] = ("python",),
        path_prefix: str = constants.DEFAULT_DEST_PREFIX,
        output_map: Mapping[str, str] | None = None,
        overwrite: bool = True,
    ) -> None:
        super().__init__(notebook_file, notebook_preprocessor, executable, command, path_prefix, output_map, overwrite)
        self._class_name = class_name
        self.class_name = class_name


def _lines(path: str, notebook: Path) -> tuple[str, ...]:
    from fairing_kfp.dependencies.formats import read_requirements
    from fairing_kfp.preprocess.bundle import Bundle

    return read_requirements(path, Bundle(notebook.stem, ()), notebook.parent).lines if path else ()
