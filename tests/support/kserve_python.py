"""A Python with KServe. It takes 430 MB with its dependencies, so it is separate."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import uv

from tests.support.paths import TOP

RELEASE = "0.21.0"
SKLEARN = "1.7.2"

_PLACE = TOP / ".cache" / f"kserve-{RELEASE}" / "{}.{}".format(*sys.version_info)


def kserve_python() -> Path:
    """The interpreter, with KServe and scikit-learn; installed once per checkout.

    Raises:
        OSError: the packages cannot be installed.
    """
    python = _PLACE / "bin" / "python"
    if not (_PLACE / "made").exists():
        program = uv.find_uv_bin()
        subprocess.run([program, "venv", "-q", "--clear", "--python", sys.executable, str(_PLACE)], check=True)
        wanted = [f"kserve=={RELEASE}", f"scikit-learn=={SKLEARN}"]
        install = [program, "pip", "install", "-q", "--compile-bytecode", "--python", str(python), *wanted]
        done = subprocess.run(install, capture_output=True, text=True, check=False)
        if done.returncode:
            raise OSError(f"KServe cannot be installed: {done.stderr[-500:]}")
        (_PLACE / "made").touch()
    return python
