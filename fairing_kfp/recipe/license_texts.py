"""License texts of distributions of which our layers contain files, but not the metadata."""

from __future__ import annotations

from pathlib import Path

FOLDER = Path(__file__).with_name("licenses")
_TEXTS = {"cloudpickle": "cloudpickle.txt", "fairing-kfp": "apache-2.0.txt", "kfp": "apache-2.0.txt"}
"""Kept here, since the wheel of kfp contains none, and an installed cloudpickle may have lost its own."""


def license_texts(*names: str) -> dict[str, bytes]:
    """The license texts of distributions, by path in a layer's folder: `licenses/NAME/LICENSE`."""
    return {f"licenses/{name}/LICENSE": (FOLDER / _TEXTS[name]).read_bytes() for name in names}
