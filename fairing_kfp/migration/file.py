"""One file: its new content, its difference, and the calls of Fairing in it."""

from __future__ import annotations

import ast
import difflib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from fairing_kfp.errors import MigrationError
from fairing_kfp.migration.block import Block, split_lines
from fairing_kfp.migration.calls import Call, calls_of
from fairing_kfp.migration.check import is_in_classic
from fairing_kfp.migration.document import MENTION, Document, Part
from fairing_kfp.migration.edit import Edit, edited
from fairing_kfp.migration.names import CLASSIC, FAIRING, Names
from fairing_kfp.migration.notebook import read_notebook
from fairing_kfp.migration.rewrite import Note, rewrite
from fairing_kfp.migration.script import read_script


@dataclass(frozen=True)
class MigratedFile:
    """A file that uses Fairing.

    Attributes:
        path: its path.
        content: its new content.
        changed: whether that differs from the old one.
        diff: the difference, as unified diffs of the script or of each cell.
        imports: the number of imports that change.
        calls: the calls of Fairing.
        notes: what to look at.
    """

    path: Path
    content: bytes = field(repr=False)
    changed: bool
    diff: str = field(repr=False)
    imports: int
    calls: tuple[Call, ...]
    notes: tuple[Note, ...]


def migrate_file(path: Path, has_old: bool = True) -> MigratedFile:
    """Rewrites the imports of a file, in memory.

    Args:
        path: a Python file or a notebook.
        has_old: whether `fairing` is Fairing's package of release 0.5, and not a module of the user's.

    Raises:
        MigrationError: the file cannot be read, or is not valid Python.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise MigrationError(f"cannot read {path}: {error.strerror}", "make it readable") from error
    if MENTION.encode() not in data:
        return MigratedFile(path, data, False, "", 0, (), ())
    read = read_notebook if path.suffix == ".ipynb" else read_script
    document: Document = read(data, str(path))
    blocks = [block for part in document.parts for block in part.blocks]
    names = Names.of(blocks, has_old)
    rewrites = [rewrite(block, names) for block in blocks]
    edits: dict[int, list[Edit]] = {}
    for one in rewrites:
        edits.setdefault(one.block.cell, []).extend(one.edits)
    content = data
    if any(edits.values()):
        content = document.edited(edits)
        try:
            read(content, str(path)).parts  # noqa: B018 - checks that it is valid
        except MigrationError as error:
            raise MigrationError(
                f"{path} would not be valid with its imports rewritten: {error.message}",
                "rewrite them yourself, and report the import to fairing-kfp",
            ) from error
    calls = [call for block in blocks for call in calls_of(block, names)]
    notes = {(note.cell, note.line): note for block in blocks for note in _missing(block, names)}
    notes |= {(note.cell, note.line): note for one in rewrites for note in one.notes}
    return MigratedFile(
        path,
        content,
        changed=content != data,
        diff="".join(_diff(path, part, edits.get(part.cell, ())) for part in document.parts),
        imports=sum(one.imports for one in rewrites),
        calls=tuple(sorted(calls, key=lambda call: (call.cell, call.line))),
        notes=tuple(sorted((*_unimported(blocks, names), *notes.values()), key=lambda note: (note.cell, note.line))),
    )


def _missing(block: Block, names: Names) -> Iterator[Note]:
    """Names that `fairing_kfp.classic` does not have."""
    lines: dict[str, int] = {}
    for node, path in (*names.imports(block), *names.uses(block)):
        lines.setdefault(path, block.line(node))
    for path, line in lines.items():
        if not is_in_classic(path):
            yield Note(line, block.cell, f"{CLASSIC} has no {path}")


def _unimported(blocks: Iterable[Block], names: Names) -> tuple[Note, ...]:
    """The first use of Fairing's package by its whole name, if the file does not import it."""
    for block in blocks:
        for node in block.nodes:
            if not isinstance(node, ast.Attribute) or not isinstance(node.value, ast.Name):
                continue
            whole = f"{node.value.id}.{node.attr}"
            if whole in (FAIRING, CLASSIC) and not names.is_bound(node.value.id):
                return (Note(block.line(node), block.cell, f"{whole} is not imported: add import {CLASSIC}"),)
    return ()


def _diff(path: Path, part: Part, edits: Iterable[Edit]) -> str:
    name = f"{path}, cell {part.cell}" if part.cell else str(path)
    old, new = split_lines(part.text), split_lines(edited(part.text, edits))
    lines = []
    for line in difflib.unified_diff(old, new, name, name):
        ended = line if line.endswith("\n") else f"{line}\n"
        lines.append(ended if part.cell or line.endswith("\n") else f"{ended}\\ No newline at end of file\n")
    return "".join(lines)
