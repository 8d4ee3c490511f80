"""Notebooks that papermill runs in full."""

from __future__ import annotations

import os
import shutil
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fairing_kfp.classic.constants import constants
from fairing_kfp.classic.notebook import notebook_util
from fairing_kfp.classic.preprocessors.base import BasePreProcessor, image_options
from fairing_kfp.classic.work.deprecation import warn_unused
from fairing_kfp.errors import ConfigError, JobFailedError

if TYPE_CHECKING:
    from fairing_kfp.classic.work.task import Collect
    from fairing_kfp.component.interface import Component

_OUTPUT = "fairing_output_notebook.ipynb"


class FullNotebookPreProcessor(BasePreProcessor):
    """A notebook that papermill runs in full.

    Args:
        notebook_file: the notebook; by default the running one.
        output_file: where the executed notebook is written on this machine, also if a cell failed.
        input_files: files that it reads; see `BasePreProcessor`.
        command: has no effect any more.
        path_prefix: see `BasePreProcessor`.
        output_map: see `BasePreProcessor`.

    Raises:
        ComponentError: the path of the running notebook is unknown.
        ConfigError: the notebook does not exist.
    """

    def __init__(
        self,
        notebook_file: str | None = None,
        output_file: str = _OUTPUT,
        input_files: Collection[str] | None = None,
        command: Sequence[str] | None = None,
        path_prefix: str = constants.DEFAULT_DEST_PREFIX,
        output_map: Mapping[str, str] | None = None,
    ) -> None:
        call = type(self).__name__
        warn_unused(call, "command", command, None, "the step runs papermill itself; set parameters in the notebook")
        self.notebook_file = notebook_file or str(notebook_util.find())
        if not Path(self.notebook_file).is_file():
            raise ConfigError(
                f"the notebook {self.notebook_file} does not exist", f"give its path relative to {Path.cwd()}"
            )
        self.output_file = output_file
        super().__init__(
            input_files={*(input_files or ()), self.notebook_file}, path_prefix=path_prefix, output_map=output_map
        )

    def set_default_executable(self) -> None:
        """Sets nothing, since the notebook runs."""

    def get_command(self) -> list[str]:
        """The command of the step."""
        from fairing_kfp.preprocess.image_paths import COMMAND

        return list(COMMAND)

    def component(self, options: Mapping[str, Any], *, logged: bool = False) -> Component[..., Any]:
        """The KFP component of the notebook; see `BasePreProcessor`.

        Raises:
            PackError: the notebook cannot be read.
        """
        from fairing_kfp.classic.work.code import ClassicNotebook
        from fairing_kfp.classic.work.component import notebook_component
        from fairing_kfp.component.notebook import full_notebook

        path = Path(os.path.normpath(Path.cwd() / self.notebook_file))
        self.input_files.discard(os.path.normpath(self.notebook_file))
        files = self.files(path.parent)
        source, interface = full_notebook(path, {}, include=files.include)
        made = image_options(files, options)
        packages = _requirements(made.pop("packages", ""), path)
        return notebook_component(ClassicNotebook(**vars(source)), interface, packages, {**options, **made})

    @property
    def collect(self) -> Collect:
        """Writes the executed notebook to `output_file`, and reports a cell that failed."""

        def collect(artifacts: Mapping[str, Path], parameters: Mapping[str, Any]) -> None:
            Path(self.output_file).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(artifacts["notebook"], self.output_file)
            if status := parameters.get("status"):
                raise JobFailedError(
                    f"the notebook {self.notebook_file} failed: {status}", f"see the cell in {self.output_file}"
                )

        return collect


def _requirements(path: str, notebook: Path) -> tuple[str, ...]:
    """The lines of a file of requirements; none without a path."""
    from fairing_kfp.dependencies.formats import read_requirements
    from fairing_kfp.preprocess.bundle import Bundle

    return read_requirements(path, Bundle(notebook.stem, ()), notebook.parent).lines if path else ()
