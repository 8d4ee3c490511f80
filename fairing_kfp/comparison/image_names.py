"""Names of images in texts: by digest, or the placeholders of images that cannot be named yet."""

from __future__ import annotations

import re
from collections.abc import Iterable

from fairing_kfp.preprocess.source import PLACEHOLDER

_IMAGE = re.compile(rf"{re.escape(PLACEHOLDER)}[a-z0-9/-]+|[\w.:/-]+@sha256:[0-9a-f]{{64}}")


def image_names(texts: Iterable[str]) -> list[str]:
    """The images that are named in texts, in order, each as often as it is named."""
    return [found for text in texts for found in _IMAGE.findall(text)]


def without_images(text: str) -> str:
    """A text with the same word for all images."""
    return _IMAGE.sub("IMAGE", text)
