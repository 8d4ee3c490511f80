"""The Python of a code cell: its own, that after `%time`, and that of scripts it writes with `%%writefile`."""

from __future__ import annotations

import re
from collections.abc import Iterator

from fairing_kfp.migration.block import Block, Line, parse, syntax_tree

_RUNS_CODE = re.compile(r"[ \t]*%(?:time|timeit|prun)[ \t]+(?:-[a-z]\d*[ \t]+)*(?=\S)")


def cell_blocks(source: str, number: int) -> tuple[Block, ...]:
    """The pieces of Python in a cell. Magics and shell commands are left out.

    Args:
        source: the cell's text.
        number: the cell's number.

    Raises:
        SyntaxError: one of them is not valid Python.
    """
    try:
        return (parse(source, cell=number),)
    except SyntaxError:  # most likely a magic
        return tuple(_blocks_between_magics(source, number))


def _blocks_between_magics(source: str, number: int) -> Iterator[Block]:
    from fairing_kfp.preprocess.notebooks.parsed import python_lines  # imports IPython

    made = python_lines(number, source)
    given = [f"{line}\n" for line in source.split("\n")]
    lines, starts = [], [0]
    for old, new in zip(given, made.lines, strict=True):
        is_python = bool(new.strip()) and old.endswith(new)
        lines.append(Line(starts[-1], new if is_python else None, len(old) - len(new) if is_python else 0))
        starts.append(starts[-1] + len(old))
    yield Block(source, syntax_tree("".join(made.lines)), (*lines, Line(starts[-1], "")), cell=number)
    for line, old, start in zip(lines, given, starts, strict=False):
        if line.text is None and (magic := _RUNS_CODE.match(old)):
            yield parse(source, start + magic.end(), start + len(old), number)
    for file in made.files:
        start = starts[file.omission.line]
        end = min(start + len(file.text), len(source))
        if file.path.endswith(".py") and file.text.startswith(source[start:end]):
            yield parse(source, start, end, number)
