"""Scripts: Python in the encoding that the file declares."""

from __future__ import annotations

import io
import tokenize
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from fairing_kfp.errors import MigrationError
from fairing_kfp.migration.block import parse
from fairing_kfp.migration.document import Part
from fairing_kfp.migration.edit import Edit, edited


@dataclass(frozen=True)
class Script:
    """A script.

    Attributes:
        part: its text.
        encoding: its encoding.
    """

    part: Part
    encoding: str

    @property
    def parts(self) -> tuple[Part, ...]:
        """See `Document`."""
        return (self.part,)

    def edited(self, edits: Mapping[int, Iterable[Edit]]) -> bytes:
        """See `Document`."""
        return edited(self.part.text, edits.get(0, ())).encode(self.encoding)


def read_script(data: bytes, name: str) -> Script:
    """Reads a script.

    Args:
        data: its bytes.
        name: its path, for messages.

    Raises:
        MigrationError: it is not in the encoding that it declares (UTF-8 by default), or not valid Python.
    """
    try:
        encoding, _ = tokenize.detect_encoding(io.BytesIO(data).readline)
        text = data.decode(encoding)
    except (SyntaxError, UnicodeDecodeError) as error:
        raise MigrationError(
            f"{name} is not in the encoding that it declares: {error}",
            "save it in UTF-8, or declare its encoding in the first line: # -*- coding: latin-1 -*-",
        ) from error
    if text.encode(encoding) != data:
        raise MigrationError(f"the encoding {encoding} of {name} does not keep its bytes", "save it in UTF-8")
    try:
        return Script(Part(text, 0, (parse(text),)), encoding)
    except SyntaxError as error:
        raise MigrationError(
            f"{name}:{error.lineno or 1}: {error.msg}", "correct it; Python 2 has to be converted to Python 3 first"
        ) from error
