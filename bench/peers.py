"""Other programs and libraries that append layers, if they are installed."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from bench.layers import Ready
from bench.measure import run_program
from bench.services import Workplace, docker

PYTHON = os.environ.get("BENCH_PEERS", sys.executable)
"""A Python with oras and python-dxf."""

_HERE = Path(__file__).parent
_LIBRARIES = {"oras": ("oras", "by_oras.py"), "python-dxf": ("dxf", "by_dxf.py")}
_NAMES = {"crane": "`crane append`", "docker": "`docker build && docker push`", "buildah": "`buildah build && push`"}

Append = Callable[[Ready], Callable[[], None]]
"""Prepares to append a layer to the base in a new repository; the returned function, which is timed, appends it."""


@contextlib.contextmanager
def peers(work: Workplace) -> Iterator[tuple[dict[str, Append], str]]:
    """The installed peers by their names in tables, and why others are missing."""
    found: dict[str, Append] = {_NAMES["docker"]: lambda layer: _docker(work, layer)}
    missing = []
    if shutil.which("crane"):
        found[_NAMES["crane"]] = lambda layer: lambda: run_program(*crane(work, layer))
    else:
        missing.append("crane is not on PATH")
    for name, (module, _) in _LIBRARIES.items():
        if importable(module):
            found[f"`{name}`"] = lambda layer, name=name: lambda: run_program(*library(name, work, layer))  # type: ignore[misc]
        else:
            missing.append(f"{name} is not in the Python of BENCH_PEERS")
    with _buildah(work) as buildah:
        if isinstance(buildah, str):
            missing.append(buildah)
        else:
            found[_NAMES["buildah"]] = buildah
        yield found, "".join(f" Skipped: {why}." for why in missing)


def crane(work: Workplace, *layers: Ready, target: str = "", host: str = "") -> list[str]:
    """A command of crane that appends layers."""
    host = host or work.registry.host
    files = [word for layer in layers for word in ("-f", str(layer.blob))]
    target = target or f"{host}/{work.fresh('crane')}:1"
    return ["crane", "append", "--insecure", "-b", f"{host}/{_base(work)}", *files, "-t", target]


def library(name: str, work: Workplace, layer: Ready) -> list[str]:
    """A command that appends a layer with a library."""
    repository, _, tag = _base(work).partition(":")
    where = [work.registry.host, repository, tag, work.fresh("library")]
    return [*bare_library(name), *where, str(layer.blob), layer.layer.diff_id]


def bare_library(name: str) -> list[str]:
    """A command that imports a library."""
    return [PYTHON, str(_HERE / _LIBRARIES[name][1])]


def importable(module: str) -> bool:
    """Whether the Python of the libraries can import a module."""
    return not subprocess.run([PYTHON, "-c", f"import {module}"], capture_output=True, check=False).returncode


def _base(work: Workplace) -> str:
    return work.base.partition("/")[2]


def _docker(work: Workplace, layer: Ready) -> Callable[[], None]:
    name, context = f"{work.registry.host}/{work.fresh('docker')}:1", _context(work, layer)

    def build() -> None:
        docker("build", "-q", "--no-cache", "-t", name, str(context))
        docker("push", "-q", name)

    return build


@contextlib.contextmanager
def _buildah(work: Workplace) -> Iterator[Append | str]:
    """Appends with buildah, in a store of its own with the base image; or why buildah cannot run."""
    if not shutil.which("buildah"):
        yield "buildah is not on PATH"
        return
    root = work.folder / "buildah"
    program = ["buildah", "--root", str(root / "root"), "--runroot", str(root / "run"), "--storage-driver", "overlay"]

    def run(*arguments: str) -> str:
        done = subprocess.run([*program, *arguments], capture_output=True, text=True, check=False, timeout=300)
        return done.stderr.strip().partition("\n")[0] if done.returncode else ""

    def append(layer: Ready) -> Callable[[], None]:
        run("rmi", "-a", "-f")
        run("pull", "-q", "--tls-verify=false", work.base)
        name, context = f"{work.registry.host}/{work.fresh('buildah')}:1", _context(work, layer)

        def build() -> None:
            options = ["-q", "--no-cache", "--tls-verify=false", "--isolation", "chroot"]
            if why := run("build", *options, "-t", name, str(context)) or run("push", "-q", "--tls-verify=false", name):
                raise RuntimeError(f"buildah: {why}")

        return build

    try:
        why = run("pull", "-q", "--tls-verify=false", work.base)
        yield f"buildah cannot pull here ({why})" if why else append
    finally:
        run("rmi", "-a", "-f")
        subprocess.run(["umount", str(root / "root" / "overlay")], capture_output=True, check=False)


def _context(work: Workplace, layer: Ready) -> Path:
    """A build context that appends the file of a layer, with a unique time, so that no cached layer is used."""
    context = work.folder / work.fresh("context")
    context.mkdir()
    os.link(layer.source, context / "data")
    time = int(context.name.rpartition("-")[2])
    os.utime(context / "data", (time, time))
    (context / "Dockerfile").write_text(f"FROM {work.base}\nCOPY data /opt/bench/data\n")
    return context
