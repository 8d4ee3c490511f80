"""Choice of a preprocessor."""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping
from typing import Any

from fairing_kfp.classic.functions.function_shim import ObjectType, get_execution_obj_type
from fairing_kfp.errors import ConfigError


def guess_preprocessor(
    entry_point: Any, input_files: Collection[str] | None = None, output_map: Mapping[str, str] | None = None
) -> Any:
    """The preprocessor for a function, a class, a script or a notebook.

    Args:
        entry_point: the function, the class, or the path of a `.py` or `.ipynb` file.
        input_files: files, folders and globs that it needs.
        output_map: places in the image by file.

    Raises:
        ConfigError: it is none of these.
    """
    from fairing_kfp.classic.preprocessors.base import BasePreProcessor
    from fairing_kfp.classic.preprocessors.full_notebook import FullNotebookPreProcessor
    from fairing_kfp.classic.preprocessors.function import FunctionPreProcessor

    if get_execution_obj_type(entry_point) is not ObjectType.NOT_SUPPORTED or isinstance(entry_point, type):
        return FunctionPreProcessor(entry_point, input_files=input_files, output_map=output_map)
    path = os.fspath(entry_point) if isinstance(entry_point, (str, os.PathLike)) else ""
    if path.endswith(".py"):
        return BasePreProcessor(executable=path, input_files=input_files, output_map=output_map)
    if path.endswith(".ipynb"):
        return FullNotebookPreProcessor(path, input_files=input_files, output_map=output_map)
    raise ConfigError(
        f"{entry_point!r} cannot be run",
        "pass a function, a class with train, or the path of a script (.py) or notebook (.ipynb)",
    )


def is_docker_daemon_exists() -> bool:
    """Whether a Docker Engine answers."""
    try:
        import docker

        docker.from_env().ping()
    except Exception:  # not installed, or whatever the client raises
        return False
    return True
