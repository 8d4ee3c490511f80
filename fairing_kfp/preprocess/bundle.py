"""What a step's code becomes before it is an image: files with their places, and what is to be known about them."""

from __future__ import annotations

from dataclasses import dataclass

from fairing_kfp.image.layer import File
from fairing_kfp.preprocess.packing import Capture


@dataclass(frozen=True)
class Bundle:
    """The code of one step.

    Attributes:
        name: the step's name.
        files: its files, placed in the image.
        captures: the values that its function brings along from outside of it.
        warnings: sentences for the author.
    """

    name: str
    files: tuple[File, ...]
    captures: tuple[Capture, ...] = ()
    warnings: tuple[str, ...] = ()
