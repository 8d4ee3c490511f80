"""Byte code of packages, compiled into their layer: a step's file system is read-only, and its start is faster.

The output is reproducible: constant sets are ordered by a fixed hash seed, file names are those in the image, sources
are identified by hash and never checked (PEP 552, unchecked), and marshal's format 2 leaves out reference counts, which
differ between processes.
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
    # None (below Python 3.12) and Ellipsis hash by address, which decides their order in a set
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
        return  # a template, or written for another Python
    if data is None:
        return
    target = importlib.util.cache_from_source(path)
    os.makedirs(os.path.dirname(target), exist_ok=True)
    flags = (1).to_bytes(4, "little")  # hash-based, unchecked
    with open(target, "wb") as file:
        file.write(importlib.util.MAGIC_NUMBER + flags + importlib.util.source_hash(source) + data)

for path, shown in json.load(sys.stdin):
    compile_file(path, shown)
"""


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
    workers = min(os.cpu_count() or 1, 8)
    with ThreadPoolExecutor(workers) as pool:
        list(pool.map(_compile, filter(None, (sorted(found)[number::workers] for number in range(workers)))))


def _compile(files: list[tuple[str, str]]) -> None:
    done = subprocess.run(
        [sys.executable, "-s", "-S", "-W", "ignore", "-c", _WORKER],
        input=json.dumps(files),
        env={"PYTHONHASHSEED": "0", "PYTHONUTF8": "1"},
        cwd="/",  # has no files that could shadow the standard library
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        lines = done.stderr.strip().splitlines() or ["no reason given"]
        raise DependencyError(f"cannot compile packages: {lines[-1]}", "check the free disk space")
