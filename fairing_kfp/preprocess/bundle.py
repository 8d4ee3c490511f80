"""What a step's code becomes before it is an image: files with their places, and what is to be known about them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from fairing_kfp.errors import PackError
from fairing_kfp.image.layer import File, Layer

if TYPE_CHECKING:
    from fairing_kfp.preprocess.packing import Capture


@dataclass(frozen=True)
class Bundle:
    """The code of one step, or of a predictor.

    Attributes:
        name: the step's name.
        files: its files, placed in the image.
        captures: the values that its function brings along from outside of it.
        warnings: sentences for the author.
        placed: further files, that the component puts anywhere.
        imports: the modules that it imports and that are not the user's own; those of scripts, which travel as they
            are, are read from their files.
        serves: whether it is a predictor's, whose image has a server and starts it.
    """

    name: str
    files: tuple[File, ...]
    captures: tuple[Capture, ...] = ()
    warnings: tuple[str, ...] = ()
    placed: tuple[File, ...] = ()
    imports: tuple[str, ...] = ()
    serves: bool = False

    @property
    def layers(self) -> tuple[Layer, ...]:
        """Its layers, the one that changes most often last.

        Raises:
            PackError: two files have one path.
        """
        both = {file.path for file in self.files} & {file.path for file in self.placed}
        if both:
            raise PackError(
                f"{self.name}: files= places a file at /{min(both)}, where its code has one", "give it another place"
            )
        code = Layer.of_files("code", self.files)
        return (Layer.of_files("files", self.placed), code) if self.placed else (code,)


class Code(Protocol):
    """What a step runs: a function, a script or a notebook."""

    @property
    def folder(self) -> Path:
        """Where the relative paths of the component begin."""

    def bundle(self, name: str) -> Bundle:
        """Packs the code of the step of this name. The same code gives the same bytes, anywhere and at any time.

        Raises:
            PackError: it cannot be packed.
        """
