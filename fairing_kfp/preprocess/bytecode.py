"""Byte code of dependencies, compiled into their layer: a step's file system is read-only, and its start is short.

It is the same wherever it is compiled: constants that are sets lie in the order of a fixed hash seed, file names are
those in the image, the source is named by its hash and never looked at (PEP 552, unchecked), and marshal's format 2
does not tell how often an object is referred to, which differs from process to process.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from fairing_kfp.errors import DependencyError

_WORKER = """
import importlib.util, json, marshal, os, sys

def is_stable(code):
    # what has no hash of its own (None below Python 3.12) lies in a set by its address
    for constant in code.co_consts:
        if isinstance(constant, type(code)):
            if not is_stable(constant):
                return False
        elif isinstance(constant, frozenset) and not constant.isdisjoint({None, Ellipsis}):
            return False
    return True

def compile_file(path, shown):
    with open(path, "rb") as file:
        source = file.read()
    try:
        code = compile(source, shown, "exec", dont_inherit=True, optimize=0)
        data = marshal.dumps(code, 2) if is_stable(code) else None
    except (SyntaxError, ValueError, RecursionError):
        return  # a template, or for another Python; it is compiled when it is imported, if ever
    if data is None:
        return
    target = importlib.util.cache_from_source(path)
    os.makedirs(os.path.dirname(target), exist_ok=True)
    flags = (1).to_bytes(4, "little")  # a hash, unchecked
    with open(target, "wb") as file:
        file.write(importlib.util.MAGIC_NUMBER + flags + importlib.util.source_hash(source) + data)

for path, shown in json.load(sys.stdin):
    compile_file(path, shown)
"""


def compile_trees(trees: Iterable[Path], prefix: str) -> None:
    """Compiles the modules below folders for this Python, into the `__pycache__` folders beside them.

    Args:
        trees: the folders.
        prefix: the place of all of them in the image, which tracebacks show.

    Raises:
        DependencyError: the compiler failed.
    """
    found = [
        (str(path.absolute()), f"/{prefix}/{path.relative_to(tree).as_posix()}")
        for tree in trees
        for path in tree.rglob("*.py")
        if path.is_file()
    ]
    workers = min(os.cpu_count() or 1, 8)
    with ThreadPoolExecutor(workers) as pool:
        list(pool.map(_compile, filter(None, (sorted(found)[number::workers] for number in range(workers)))))


def _compile(files: list[tuple[str, str]]) -> None:
    done = subprocess.run(
        [sys.executable, "-s", "-S", "-W", "ignore", "-c", _WORKER],
        input=json.dumps(files),
        env={"PYTHONHASHSEED": "0", "PYTHONUTF8": "1"},
        cwd="/",  # where no file of ours can stand for a module of the standard library
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        lines = done.stderr.strip().splitlines() or ["no reason given"]
        raise DependencyError(f"packages cannot be compiled: {lines[-1]}", "see that the disk has room left")
