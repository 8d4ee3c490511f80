"""Remote files."""

from __future__ import annotations

from typing import NoReturn

from fairing_kfp.classic.work.deprecation import refuse

_SUCCESSOR = "use fsspec, or pass files as artifacts of a pipeline"


class Storage:
    """Refused, since commands of the base image copied the files."""

    def __init__(self) -> None:
        refuse(type(self).__name__, "it copied files by commands that the base image had to have", _SUCCESSOR)


class GCSStorage(Storage):
    """Refused; see `Storage`."""


def lookup_storage_class(url: str) -> NoReturn:
    """Refused; see `Storage`."""
    refuse(f"lookup_storage_class({url!r})", "files were copied by commands of the base image", _SUCCESSOR)


def get_storage_class(url: str) -> NoReturn:
    """Refused; see `Storage`."""
    refuse(f"get_storage_class({url!r})", "files were copied by commands of the base image", _SUCCESSOR)
