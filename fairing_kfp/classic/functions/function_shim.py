"""Kinds of objects that a job can run."""

from __future__ import annotations

import sys
import types
from enum import Enum
from typing import Any, NoReturn

from fairing_kfp.classic.work.deprecation import refuse
from fairing_kfp.errors import PythonVersionError


class ObjectType(Enum):
    """Kinds of objects."""

    FUNCTION = 1
    CLASS = 2
    NOT_SUPPORTED = 3


def get_execution_obj_type(obj: Any) -> ObjectType:
    """The kind of an object: a function, a class with `train`, or neither."""
    if isinstance(obj, (types.FunctionType, types.BuiltinFunctionType)):
        return ObjectType.FUNCTION
    if isinstance(obj, type) and hasattr(obj, "train"):
        return ObjectType.CLASS
    return ObjectType.NOT_SUPPORTED


def compare_version(local_python_version: str) -> None:
    """Compares a version of Python with this one. Images are checked when they are planned.

    Args:
        local_python_version: major and minor version, such as `3.11`.

    Raises:
        PythonVersionError: they differ.
    """
    here = ".".join(map(str, sys.version_info[:2]))
    if local_python_version != here:
        raise PythonVersionError(
            f"this is Python {here}, not {local_python_version}", "use a base image with the author's version"
        )


def call(serialized_fn_file: str) -> NoReturn:
    """Refused, since a layer of the image has the program that calls the function."""
    refuse(
        f"call({serialized_fn_file!r})",
        "a layer of the image has the program that calls the function",
        "call the function; fairing_kfp.classic.config.fn(f) runs it in the cluster",
    )
