"""The process a step runs in: its Python, its import path, its writable folders, and what its children inherit."""

from __future__ import annotations

import contextlib
import os
import pwd
import site
import sys
import tempfile
from typing import Any

_FOLDERS = (
    "XDG_CACHE_HOME",
    "XDG_CONFIG_HOME",
    "XDG_DATA_HOME",
    "IPYTHONDIR",
    "JUPYTER_CONFIG_DIR",
    "JUPYTER_DATA_DIR",
    "JUPYTER_RUNTIME_DIR",
    "MPLCONFIGDIR",
    "NUMBA_CACHE_DIR",
    "HF_HOME",
    "TORCH_HOME",
    "TRITON_CACHE_DIR",
)


def python_problem(step: dict[str, Any]) -> str:
    """Why this Python cannot run the step; empty when it can. Pickled code fits one minor version."""
    packed = tuple(step["python"])
    here = tuple(sys.version_info[:2])
    if packed == here:
        return ""
    return (
        f"fairing-kfp: the step {step['name']!r} was packed with Python {packed[0]}.{packed[1]}, but its image runs "
        f"Python {here[0]}.{here[1]} ({sys.executable}).\n"
        f"  → compile the pipeline with Python {here[0]}.{here[1]}, or give the step a base_image "
        f"with Python {packed[0]}.{packed[1]}."
    )


def libc_problem(root: str, step: dict[str, Any]) -> str:
    """Why the image's C library cannot load the step's packages; empty when it can.

    Imports would fail otherwise, each in its own obscure words. A run here has packages for this machine, and no file.
    """
    try:
        with open(os.path.join(root, "code", "libc"), encoding="ascii") as file:
            needed = file.read()
    except FileNotFoundError:
        return ""
    kind, *version = needed.split("_")
    here = _glibc()
    if (here is None) == (kind == "musllinux") and (here is None or here >= tuple(map(int, version))):
        return ""
    shown = "musl, as in Alpine," if here is None else f"glibc {here[0]}.{here[1]}"
    fitting = "musllinux_1_2" if here is None else f"manylinux_{here[0]}_{here[1]} or an older one"
    return (
        f"fairing-kfp: the packages of the step {step['name']!r} need a C library that fits {needed}, but its image "
        f"has {shown}.\n"
        f"  → compile the pipeline with libc={fitting!r} for this component, or give it another base_image."
    )


def _glibc() -> tuple[int, ...] | None:
    """The version of the C library, None where it is musl, which knows nothing of this name."""
    try:
        name, _, version = (os.confstr("CS_GNU_LIBC_VERSION") or "").partition(" ")
        return tuple(map(int, version.split(".")[:2])) if name == "glibc" else None
    except (ValueError, OSError):
        return None


def import_problem(step: dict[str, Any], error: ImportError) -> str:
    """What to do about a module that the step's code needs and that is not there."""
    return (
        f"fairing-kfp: the step {step['name']!r} cannot be loaded: {error}.\n"
        f"  → name what provides {error.name or 'it'} in packages=[…] of the component, or give it a base_image that "
        f"has it; an own module that is imported by its name only is named in modules=[…]."
    )


def prepare(root: str) -> None:
    """Makes the step's modules and dependencies importable, here and in child processes, its packages' commands found,
    and its folders writable.
    """
    add_sites(root)
    make_folders_writable()
    child = os.path.join(root, "runtime", "child")
    inherited = [entry for entry in os.environ.get("PYTHONPATH", "").split(os.pathsep) if entry and entry != child]
    os.environ["PYTHONPATH"] = os.pathsep.join([child, *inherited])
    scripts = os.path.join(root, "dependencies", "bin")
    if os.path.isdir(scripts):
        os.environ["PATH"] = os.pathsep.join([scripts, os.environ.get("PATH", os.defpath)])


def add_sites(root: str) -> None:
    """Adds own modules and dependencies after the standard library and before site-packages."""
    before = list(sys.path)
    for folder in (os.path.join(root, "code", "modules"), os.path.join(root, "dependencies")):
        if os.path.isdir(folder):
            site.addsitedir(folder)
    added = [entry for entry in sys.path if entry not in before]
    places = [n for n, entry in enumerate(before) if os.path.basename(entry) in ("site-packages", "dist-packages")]
    place = min(places, default=len(before))
    sys.path[:] = before[:place] + added + before[place:]


def make_folders_writable() -> None:
    """Redirects folders that this user may not write: a pod may run as any user id."""
    wanted = ["HOME", *(name for name in _FOLDERS if name in os.environ)]
    unusable = [name for name in wanted if not _is_writable(os.environ.get(name, ""))]
    if unusable:
        with contextlib.suppress(OSError):  # nothing is writable at all: then nothing can be done
            home = tempfile.mkdtemp(prefix="home-")
            for name in unusable:
                folder = home if name == "HOME" else os.path.join(home, name.lower())
                os.makedirs(folder, exist_ok=True)
                os.environ[name] = folder
    try:
        pwd.getpwuid(os.getuid())
    except KeyError:  # getpass.getuser, which many libraries call, asks the environment first
        os.environ.setdefault("LOGNAME", f"user{os.getuid()}")


def _is_writable(folder: str) -> bool:
    try:
        os.makedirs(folder, exist_ok=True)
    except OSError:
        return False
    return os.access(folder, os.W_OK | os.X_OK)
