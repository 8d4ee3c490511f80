"""Byte code of the modules of a layer, compiled once for each content and kept in the user's cache."""

from __future__ import annotations

import base64
import hashlib
import sys
from collections.abc import Iterable
from pathlib import Path

from fairing_kfp.dependencies import bytecode
from fairing_kfp.image.layer import File
from fairing_kfp.preprocess.facts import Facts, save

_facts = Facts("byte-code", Path(bytecode.__file__))


def byte_code(files: Iterable[File], group: str = "") -> tuple[File, ...]:
    """The byte code of the Python files among files, at the paths where this Python looks for it; others ignore it.

    Args:
        files: files of a layer.
        group: the record of the cache that keeps all of it; by default, there is one for each folder.

    Raises:
        DependencyError: the compiler failed.
    """
    modules = [file for file in files if file.path.endswith(".py")]
    keys = [(group or file.path.rpartition("/")[0], _key(file)) for file in modules]
    missing = [number for number, key in enumerate(keys) if _facts.get(*key) is None]
    if missing:
        compiled = bytecode.compile_sources({modules[number].path: modules[number].data for number in missing})
        for number in missing:
            data = compiled.get(modules[number].path, b"")  # a template, or written for another Python
            _facts.put(*keys[number], base64.b64encode(data).decode())
        save()
    found = ((file, base64.b64decode(_facts.get(*key))) for file, key in zip(modules, keys, strict=True))
    return tuple(File(bytecode.cached_path(file.path), data) for file, data in found if data)


def _key(file: File) -> str:
    return f"{file.path} {hashlib.sha256(file.data).hexdigest()} {sys.version}"
