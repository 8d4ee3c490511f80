"""A Python with KServe. It takes 300 MB with its dependencies, so it is separate."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import uv

from tests.support.paths import TOP

RELEASE = "0.21.0"

_PLACE = TOP / ".cache" / f"kserve-{RELEASE}" / "{}.{}".format(*sys.version_info)


def kserve_python() -> Path:
    """The interpreter, with KServe; installed once per checkout.

    Its byte code is compiled when it is imported: most of it never is.

    Raises:
        OSError: the packages cannot be installed.
    """
    python = _PLACE / "bin" / "python"
    if not (_PLACE / "made").exists():
        program = uv.find_uv_bin()
        subprocess.run([program, "venv", "-q", "--clear", "--python", sys.executable, str(_PLACE)], check=True)
        install = [program, "pip", "install", "-q", "--python", str(python), f"kserve=={RELEASE}"]
        done = subprocess.run(install, capture_output=True, text=True, check=False)
        if done.returncode:
            raise OSError(f"KServe cannot be installed: {done.stderr[-500:]}")
        (_PLACE / "made").touch()
    return python
