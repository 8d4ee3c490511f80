"""The place of a pipeline's lock file: the folder of the file that defines the pipeline."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import Any

from fairing_kfp.preprocess.source import placeholders
from fairing_kfp.settings import Settings

NAME = "fairing.lock"


def lock_path(folder: Path | None, settings: Settings, start: Path | None = None) -> Path:
    """The lock file of a pipeline.

    Args:
        folder: the folder of the file that defines the pipeline; None for a notebook or a REPL.
        settings: `lock` overrides the place.
        start: folder for a notebook or a REPL; the current folder by default.
    """
    if settings.lock:
        return Path(settings.lock)
    return (folder or start or Path.cwd()).absolute() / NAME


def folder_of(pipeline: Any) -> Path | None:
    """The folder of the file that defines a pipeline or component; None for a notebook or a REPL."""
    container = getattr(pipeline.component_spec.implementation, "container", None)
    # A job's container runs our own image; the spec in its arguments names that of the code.
    text = " ".join(map(str, (container.image, *(container.args or ())))) if container else ""
    sources = placeholders(text).values()
    return next((one.code.folder for one in sources if one.code.is_file), None) or _folder_of_function(pipeline)


def files_of(pipeline: Any) -> tuple[str, ...]:
    """The file or notebook cell that defines a pipeline or component; none if it is unknown."""
    function = getattr(pipeline, "pipeline_func", None) or getattr(pipeline, "python_func", None)
    code = getattr(inspect.unwrap(function), "__code__", None) if function else None
    return (str(code.co_filename),) if code else ()


def _folder_of_function(pipeline: Any) -> Path | None:
    file = Path(*files_of(pipeline))
    # A notebook's cells have no file, or one in a temporary folder.
    defined = file.suffix == ".py" and file.is_file() and "ipykernel" not in str(file)
    return file.parent if defined else None
