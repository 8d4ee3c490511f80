"""A Python with the servers that ours is compared with, and the model's packages."""

from __future__ import annotations

from pathlib import Path

from tests.support.kserve_python import RELEASE as KSERVE
from tests.support.kserve_python import installed_python

SKLEARN = "1.7.2"

_PACKAGES = (f"kserve=={KSERVE}", f"scikit-learn=={SKLEARN}", "granian", "httptools", "msgspec", "pysimdjson", "uvloop")


def serve_python() -> Path:
    """The interpreter; its packages are installed once per checkout.

    Raises:
        OSError: the packages cannot be installed.
    """
    return installed_python(f"bench-serve-{KSERVE}", "--compile-bytecode", *_PACKAGES)
