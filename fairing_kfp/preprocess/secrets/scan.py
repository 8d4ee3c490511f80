"""Scans: of files, of named values, and of documents such as a compiled pipeline."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import Any

from fairing_kfp.preprocess.secrets import file_names
from fairing_kfp.preprocess.secrets.decode import decode, texts_within
from fairing_kfp.preprocess.secrets.finding import COMMENT, MARK, Finding
from fairing_kfp.preprocess.secrets.forms import find_forms
from fairing_kfp.preprocess.secrets.manifest import find_in_manifest
from fairing_kfp.preprocess.secrets.match import Match, named
from fairing_kfp.preprocess.secrets.names import Strength, strength_of, words
from fairing_kfp.preprocess.secrets.pair import Style
from fairing_kfp.preprocess.secrets.pickled import is_pickle, pickled_strings
from fairing_kfp.preprocess.secrets.python import find_in_program
from fairing_kfp.preprocess.secrets.tables import SEPARATORS, find_in_grid, find_in_markup, find_in_table
from fairing_kfp.preprocess.secrets.text import find_in_text
from fairing_kfp.preprocess.secrets.urls import find_pairs
from fairing_kfp.preprocess.secrets.users import find_in_user_list
from fairing_kfp.preprocess.secrets.values import could_be_credential

_NEXT_LINE = re.compile(r"pragma:\s*allowlist[ -]nextline[ -]secret")
_PROGRAMS = words(
    """
    .js .mjs .cjs .ts .jsx .tsx .vue .java .kt .scala .groovy .go .c .h .cc .cpp .hpp .cu .rs .rb .php .pl .pm .r .jl
    .cs .swift .lua .sql .html .htm .css .json .jsonl .ndjson .proto .graphql .m .mm .f90 .dart .ex .exs .clj .hs
    .svg
    """
)
_PROSE = {".md", ".rst", ".txt", ".tex", ".adoc", ".log", ".csv", ".tsv"}
_NAME = re.compile(r"[\w.$-]{1,64}")
_DEEPEST = 2  # archives within archives
_SHORTEST = 3


def scan_file(where: str, path: str, data: bytes, depth: int = 0) -> list[Finding]:
    """Scans a file.

    Args:
        where: the file in messages.
        path: its path, as its author knows it; its folders and name say what it contains.
        data: its content.
        depth: how many archives contain it.
    """
    parts = PurePosixPath(path).parts
    if any(map(file_names.is_file_name, parts[:-1])) or (
        parts
        and (
            file_names.is_credentials_file(parts[-1], data)
            or (parts[-1].lower().endswith(".json") and file_names.has_private_key(data))
        )
    ):
        return [Finding(where, "credentials, as its name says", data.decode("latin-1"), parts[-1], path)]
    if is_pickle(data):
        return _distinct(where, path, _in_pickle(data))
    text = decode(data)
    if text is None:
        return [*_distinct(where, path, _in_binary(data)), *_in_members(where, path, data, depth)]
    return _in_text(where, path, text)


def scan_named(where: str, name: str, value: str | bytes) -> list[Finding]:
    """Scans a value that has a name, such as a variable."""
    text = value if isinstance(value, str) else value.decode("latin-1")
    found = list(find_in_text(text, Style.SETTINGS)) if len(text) > _SHORTEST else []
    if could_be_credential(strength_of(name), text):
        form = next((match.what for match in found if not match.name and match.value == text), "")
        found = [Match(form, text, 0, name) if form else named(name, text)]
    return [Finding(where, match.what, match.value, match.name or name) for match in found]


def scan_document(where: str, document: Any, name: str = "") -> Iterator[Finding]:
    """Scans all texts of a document of dictionaries, lists and texts; those that are JSON as documents, too.

    Args:
        where: the document in messages.
        document: the document.
        name: the name of a text or list.
    """
    if isinstance(document, str):
        inner = _parsed(document)
        if inner is None:
            yield from scan_named(where, name, document)
        else:
            yield from scan_document(where, inner, name)
    elif isinstance(document, dict):
        for key, value in document.items():
            yield from scan_document(where, value, str(key))
            yield from scan_named(where, "", str(key))
        if isinstance(document.get("name"), str) and isinstance(document.get("value"), str):
            yield from scan_named(where, document["name"], document["value"])
    elif isinstance(document, (list, tuple)):
        before = ""
        for item in document:
            option = before.lstrip("-") if before.startswith("-") and isinstance(item, str) else name
            yield from scan_document(where, item, option)
            before = item if isinstance(item, str) else ""


def _parsed(text: str) -> Any:
    if text[:1] not in ("{", "["):
        return None
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return document if isinstance(document, (dict, list)) else None


def _in_text(where: str, path: str, text: str) -> list[Finding]:
    suffix = PurePosixPath(path).suffix.lower()
    if suffix == ".ipynb":
        from fairing_kfp.preprocess.secrets.notebook import find_in_notebook

        found = find_in_notebook(text)
        if found is not None:
            return [
                one for cell, source, match in found for one in _marked(f"{cell} of {where}", path, source, [match])
            ]
    if suffix in (".py", ".pyi", ".pyw") or (not suffix and re.match(r"#!.*\bpython", text)):
        return _marked(where, path, text, find_in_program(text))
    style = Style.PROGRAM if suffix in _PROGRAMS else Style.PROSE if suffix in _PROSE else Style.SETTINGS
    matches = find_in_text(text, style)
    seen = {match.value for match in matches}
    matches += [match for match in _of_format(path, suffix, text) if match.value not in seen]
    at_lines = [Match(m.what, m.value, text.count("\n", 0, m.start) + 1, m.name) for m in matches]
    return _marked(where, path, text, at_lines)


def _of_format(path: str, suffix: str, text: str) -> Iterator[Match]:
    """What only the format of a file shows: a table, a list of users, or a manifest."""
    if suffix in SEPARATORS:
        yield from find_in_table(text, SEPARATORS[suffix])
    elif suffix in (".html", ".htm"):
        yield from find_in_markup(text)
    elif suffix in ("", ".txt"):
        is_named = "userlist" in PurePosixPath(path).name.lower()
        yield from find_in_user_list(text, Strength.PASSWORD if is_named else Strength.SECRET)
        yield from find_in_grid(text)
    yield from find_in_manifest(text)


def _marked(where: str, path: str, text: str, matches: list[Match]) -> list[Finding]:
    lines = text.split("\n")
    found = []
    for match in matches:
        line = lines[match.start - 1] if 0 < match.start <= len(lines) else ""
        before = lines[match.start - 2] if match.start > 1 else ""
        allowed = COMMENT if MARK.search(line) or _NEXT_LINE.search(before) else ""
        found.append(Finding(where, match.what, match.value, match.name, path, match.start, allowed))
    return found


def _in_pickle(data: bytes) -> Iterator[Match]:
    seen: set[tuple[str, str]] = set()
    for name, text in pickled_strings(data):
        if len(text) <= _SHORTEST or (name, text) in seen:
            continue
        seen.add((name, text))
        if _NAME.fullmatch(name) and could_be_credential(strength_of(name), text):
            yield named(name, text)
        else:
            yield from find_in_text(text, Style.SETTINGS)


def _in_binary(data: bytes) -> Iterator[Match]:
    text = texts_within(data)
    yield from find_forms(text)
    yield from find_pairs(text)


def _in_members(where: str, path: str, data: bytes, depth: int) -> Iterator[Finding]:
    if depth >= _DEEPEST:
        return
    from fairing_kfp.preprocess.secrets.containers import members

    for name, content in members(data):
        inner = f"{name} in {where}" if name else where
        yield from scan_file(inner, name or PurePosixPath(path).stem, content, depth + 1)


def _distinct(where: str, path: str, matches: Iterator[Match]) -> list[Finding]:
    found = {match.value: match for match in matches}
    return [Finding(where, match.what, match.value, match.name, path) for match in found.values()]
