"""A Python with KServe. It takes 300 MB with its dependencies, so it is separate."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import uv

from tests.support.paths import TOP

RELEASE = "0.21.0"


def kserve_python() -> Path:
    """The interpreter, with KServe; installed once per checkout.

    Its byte code is compiled when it is imported: most of it never is.

    Raises:
        OSError: the packages cannot be installed.
    """
    return installed_python(f"kserve-{RELEASE}", f"kserve=={RELEASE}")


def installed_python(name: str, *packages: str) -> Path:
    """An interpreter of this version with packages, installed once per checkout.

    Args:
        name: its folder in the checkout's cache.
        packages: the packages, and options of `uv pip install`.

    Raises:
        OSError: the packages cannot be installed.
    """
    place = TOP / ".cache" / name / "{}.{}".format(*sys.version_info)
    python = place / "bin" / "python"
    if not (place / "made").exists():
        program = uv.find_uv_bin()
        subprocess.run([program, "venv", "-q", "--clear", "--python", sys.executable, str(place)], check=True)
        install = [program, "pip", "install", "-q", "--python", str(python), *packages]
        done = subprocess.run(install, capture_output=True, text=True, check=False)
        if done.returncode:
            raise OSError(f"the packages of {name} cannot be installed: {done.stderr[-500:]}")
        (place / "made").touch()
    return python
