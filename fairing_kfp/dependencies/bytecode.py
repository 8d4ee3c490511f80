"""Byte code, compiled into layers: a step's file system is read-only, and its start is faster.

The output is reproducible: constant sets are ordered by a fixed hash seed, file names are those in the image, sources
are identified by hash (PEP 552), and marshal's format 2 leaves out reference counts, which differ between processes.
Python compares the hash of a module of ours or of the user's with its source, which may be replaced in an image that
is based on this one; that of a package is never checked.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from fairing_kfp.errors import DependencyError

_WORKER = """
import importlib.util, json, marshal, os, sys

def is_stable(code):
    # None (below Python 3.12) and Ellipsis hash by address, which decides their order in a set
    for constant in code.co_consts:
        if isinstance(constant, type(code)):
            if not is_stable(constant):
                return False
        elif isinstance(constant, frozenset) and not constant.isdisjoint({None, Ellipsis}):
            return False
    return True

def compile_file(path, shown, flags):
    with open(path, "rb") as file:
        source = file.read()
    try:
        code = compile(source, shown, "exec", dont_inherit=True, optimize=0)
        data = marshal.dumps(code, 2) if is_stable(code) else None
    except (SyntaxError, ValueError, RecursionError):
        return  # a template, or written for another Python
    if data is None:
        return
    target = importlib.util.cache_from_source(path)
    os.makedirs(os.path.dirname(target), exist_ok=True)
    with open(target, "wb") as file:
        head = importlib.util.MAGIC_NUMBER + flags.to_bytes(4, "little")
        file.write(head + importlib.util.source_hash(source) + data)

os.umask(0o022)  # like the other files of a tree
for path, shown in json.load(sys.stdin):
    compile_file(path, shown, int(sys.argv[1]))
"""
_UNCHECKED, _CHECKED = 0b01, 0b11  # flags of PEP 552
_FEW = 50  # modules, whose compilation takes about as long as the start of a process


def compile_trees(trees: Iterable[Path], prefix: str) -> None:
    """Compiles the modules in folders for this Python, into `__pycache__` folders next to them.

    Args:
        trees: the folders.
        prefix: their path in the image, which tracebacks show.

    Raises:
        DependencyError: the compiler failed.
    """
    found = [
        (str(path.absolute()), f"/{prefix}/{path.relative_to(tree).as_posix()}")
        for tree in trees
        for path in tree.rglob("*.py")
        if path.is_file()
    ]
    _compile_all(found, _UNCHECKED)


def compile_sources(sources: Mapping[str, bytes]) -> dict[str, bytes]:
    """Compiles modules in memory for this Python, which compares them with their sources at import.

    Args:
        sources: their sources, by path in the image.

    Returns:
        Their `.pyc` files, by path of the source, without those of modules that cannot be compiled.

    Raises:
        DependencyError: the compiler failed.
    """
    with tempfile.TemporaryDirectory() as name:
        folder, found = Path(name), {}
        for number, (path, data) in enumerate(sources.items()):
            found[path] = folder / f"{number}.py"
            found[path].write_bytes(data)
        _compile_all([(str(file), f"/{path}") for path, file in found.items()], _CHECKED)
        compiled = {path: folder / cached_path(file.name) for path, file in found.items()}
        return {path: file.read_bytes() for path, file in compiled.items() if file.is_file()}


def cached_path(path: str) -> str:
    """The path of a module's byte code for this Python; `importlib.util.cache_from_source` depends on variables."""
    folder, slash, name = path.rpartition("/")
    return f"{folder}{slash}__pycache__/{name.removesuffix('.py')}.{sys.implementation.cache_tag}.pyc"


def _compile_all(found: list[tuple[str, str]], flags: int) -> None:
    """Compiles files, given by their paths and those in the image, in several processes."""
    workers = min(os.cpu_count() or 1, 8, 1 + len(found) // _FEW)
    with ThreadPoolExecutor(workers) as pool:
        parts = filter(None, (sorted(found)[number::workers] for number in range(workers)))
        list(pool.map(lambda files: _compile(files, flags), parts))


def _compile(files: list[tuple[str, str]], flags: int) -> None:
    done = subprocess.run(
        [sys.executable, "-s", "-S", "-W", "ignore", "-c", _WORKER, str(flags)],
        input=json.dumps(files),
        env={"PYTHONHASHSEED": "0", "PYTHONUTF8": "1"},
        cwd="/",  # has no files that could shadow the standard library
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        lines = done.stderr.strip().splitlines() or ["no reason given"]
        raise DependencyError(f"cannot compile byte code: {lines[-1]}", "check the free disk space")
