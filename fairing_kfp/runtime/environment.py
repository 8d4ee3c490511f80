"""The environment of a step's process: its Python, import path and writable folders, for child processes too."""

from __future__ import annotations

import contextlib
import os
import pwd
import site
import sys
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
    """The error message if this Python cannot run the step, else empty: pickled code needs the same minor version."""
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
    """The error message if the image's C library cannot load the step's packages, else empty.

    Without this check, imports fail with obscure messages. Local runs have packages for this machine, and no such file.
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
    compatible = "musllinux_1_2" if here is None else f"manylinux_{here[0]}_{here[1]} or an older one"
    return (
        f"fairing-kfp: the packages of the step {step['name']!r} need a C library that fits {needed}, but its image "
        f"has {shown}.\n"
        f"  → compile the pipeline with libc={compatible!r} for this component, or give it another base_image."
    )


def _glibc() -> tuple[int, ...] | None:
    """The version of glibc; None with musl, which does not define this name."""
    try:
        name, _, version = (os.confstr("CS_GNU_LIBC_VERSION") or "").partition(" ")
        return tuple(map(int, version.split(".")[:2])) if name == "glibc" else None
    except (ValueError, OSError):
        return None


def import_problem(step: dict[str, Any], error: ImportError) -> str:
    """The error message for a module that the step's code imports and that is missing."""
    return (
        f"fairing-kfp: the step {step['name']!r} cannot be loaded: {error}.\n"
        f"  → name the package of {error.name or 'it'} in packages=[…] of the component, or use a base_image that has "
        f"it; name a module of your own that is imported by its name only in modules=[…]."
    )


def prepare(root: str) -> None:
    """Prepares this process and its children: `sys.path` for the step's modules and dependencies, PATH for commands of
    the packages, and writable folders.
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
    """Adds the user's modules and dependencies to `sys.path`, between the standard library and site-packages."""
    before = list(sys.path)
    for folder in (os.path.join(root, "code", "modules"), os.path.join(root, "dependencies")):
        if os.path.isdir(folder):
            # Components of a local run link to shared packages: by the real path, byte code is shared too.
            site.addsitedir(os.path.realpath(folder))
    added = [entry for entry in sys.path if entry not in before]
    places = [n for n, entry in enumerate(before) if os.path.basename(entry) in ("site-packages", "dist-packages")]
    place = min(places, default=len(before))
    sys.path[:] = before[:place] + added + before[place:]


def make_folders_writable() -> None:
    """Redirects the home and cache folders that this user cannot write, since a pod may run as any user id."""
    variables = ["HOME", *(name for name in _FOLDERS if name in os.environ)]
    unusable = [name for name in variables if not _is_writable(os.environ.get(name, ""))]
    if unusable:
        import tempfile

        with contextlib.suppress(OSError):  # no folder is writable
            home = tempfile.mkdtemp(prefix="home-")
            for name in unusable:
                folder = home if name == "HOME" else os.path.join(home, name.lower())
                os.makedirs(folder, exist_ok=True)
                os.environ[name] = folder
    try:
        pwd.getpwuid(os.getuid())
    except KeyError:  # many libraries call getpass.getuser, which reads the environment first
        os.environ.setdefault("LOGNAME", f"user{os.getuid()}")


def _is_writable(folder: str) -> bool:
    try:
        os.makedirs(folder, exist_ok=True)
    except OSError:
        return False
    return os.access(folder, os.W_OK | os.X_OK)
