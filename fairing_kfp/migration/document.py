"""Files that contain Python: scripts, and notebooks."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from fairing_kfp.migration.block import Block
from fairing_kfp.migration.edit import Edit

MENTION = "fairing"
"""What the text of a file contains if it uses Fairing. Other files are not parsed."""


@dataclass(frozen=True)
class Part:
    """A text of a file that is edited: that of a script, or of a code cell.

    Attributes:
        text: the text.
        cell: the number of the cell among all cells, from 1; 0 in a script.
        blocks: the Python in it.
    """

    text: str
    cell: int
    blocks: tuple[Block, ...]


class Document(Protocol):
    """A file that contains Python."""

    @property
    def parts(self) -> Sequence[Part]:
        """Its parts; none, if it does not mention Fairing."""

    def edited(self, edits: Mapping[int, Iterable[Edit]]) -> bytes:
        """The file's content after edits of its parts. All other bytes are those of the file.

        Args:
            edits: the edits, by cell; 0 for a script.
        """
