"""The imports of a file, parsed once: in this process, and in others while its content is the same."""

from __future__ import annotations

import ast
import hashlib
from functools import lru_cache
from pathlib import Path

from fairing_kfp.preprocess.facts import Facts
from fairing_kfp.preprocess.modules.imports import Import, imports_in

_MOST = 1 << 16  # files in this process

_facts = Facts("imports", Path(__file__), Path(__file__).with_name("imports.py"))


def file_imports(path: Path) -> tuple[Import, ...]:
    """The imports anywhere in a file, in the order of `imports_in`.

    Raises:
        SyntaxError, ValueError: the file is not valid Python.
        OSError: it cannot be read.
    """
    status = path.stat()
    return _read(path, (status.st_size, status.st_mtime_ns, status.st_ino))


@lru_cache(maxsize=_MOST)
def _read(path: Path, state: tuple[int, ...]) -> tuple[Import, ...]:
    data = path.read_bytes()
    folder, key = str(path.parent), hashlib.sha256(data).hexdigest()
    known = _facts.get(folder, key)
    if known is not None:
        return tuple(Import(*one) for one in known)
    found = tuple(imports_in(ast.parse(data, str(path))))
    _facts.put(folder, key, [(one.module, one.level, one.name, one.alias, one.is_optional) for one in found])
    return found
