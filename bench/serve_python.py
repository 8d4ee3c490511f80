"""A Python with the servers that ours is compared with, and the model's packages."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import uv

from tests.support.kserve_python import RELEASE as KSERVE
from tests.support.paths import TOP

SKLEARN = "1.7.2"

_PACKAGES = (f"kserve=={KSERVE}", f"scikit-learn=={SKLEARN}", "granian", "httptools", "msgspec", "pysimdjson", "uvloop")
_PLACE = TOP / ".cache" / f"bench-serve-{KSERVE}" / "{}.{}".format(*sys.version_info)


def serve_python() -> Path:
    """The interpreter; its packages are installed once per checkout.

    Raises:
        OSError: the packages cannot be installed.
    """
    python = _PLACE / "bin" / "python"
    if not (_PLACE / "made").exists():
        program = uv.find_uv_bin()
        subprocess.run([program, "venv", "-q", "--clear", "--python", sys.executable, str(_PLACE)], check=True)
        install = [program, "pip", "install", "-q", "--compile-bytecode", "--python", str(python), *_PACKAGES]
        done = subprocess.run(install, capture_output=True, text=True, check=False)
        if done.returncode:
            raise OSError(f"the servers of the comparison cannot be installed: {done.stderr[-500:]}")
        (_PLACE / "made").touch()
    return python
