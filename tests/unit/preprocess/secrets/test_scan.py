"""Scans of files, named values and documents: what is found, where, and how the comment allows it."""

from __future__ import annotations

import gzip
import json
import pickle

import pytest

from fairing_kfp.preprocess.secrets.finding import COMMENT, Finding
from fairing_kfp.preprocess.secrets.scan import scan_document, scan_file, scan_named
from tests.support.made_up_secrets import FORMS, HIGH

TOKEN = FORMS["a GitHub token"]


def found_in(path: str, content: str | bytes) -> list[Finding]:
    return scan_file(path, path, content if isinstance(content, bytes) else content.encode())


@pytest.mark.parametrize(
    ("path", "text", "line"),
    [
        ("a.yaml", f"# first\ndb:\n  password: {HIGH}\n", 3),
        ("a.py", f"x = 1\n\nclass A:\n    api_key = '{HIGH}'\n", 4),
        ("a.py", f'TEXT = """\nfirst\npassword={HIGH}\n"""\n', 3),
        ("a.txt", f"first\nsecond {TOKEN}\n", 2),
        ("script", f"#!/usr/bin/env python3\ntoken = '{HIGH}'\n", 2),
    ],
)
def test_the_line_is_known(path: str, text: str, line: int) -> None:
    (finding,) = found_in(path, text)
    assert (finding.line, finding.path, finding.where) == (line, path, path)


def test_the_cell_and_its_line_are_known() -> None:
    cells = [
        {"cell_type": "markdown", "source": "# A"},
        {"cell_type": "code", "source": ["x = 1\n", f"token = '{HIGH}'"]},
    ]
    (finding,) = found_in("a.ipynb", json.dumps({"cells": cells}))
    assert (finding.where, finding.line) == ("cell 2 of a.ipynb", 2)


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("a.py", f"token = '{HIGH}'  # fairing-kfp: allow-secret\n"),
        ("a.py", f"token = '{HIGH}'  # pragma: allowlist secret\n"),
        ("a.py", f"# pragma: allowlist nextline secret\ntoken = '{HIGH}'\n"),
        ("a.yaml", f"token: '{HIGH}'  # fairing-kfp: allow-secret\n"),
        ("a.js", f"const token = '{HIGH}'; // fairing-kfp: allow-secret\n"),
    ],
)
def test_a_comment_allows_the_values_of_its_line(path: str, text: str) -> None:
    (finding,) = found_in(path, text)
    assert finding.allowed == COMMENT
    unmarked = f"{text}\n\n{text.rpartition(HIGH)[0].rpartition(chr(10))[2]}{HIGH[::-1]}'\n"
    assert [one.value for one in found_in(path, unmarked) if not one.allowed] == [HIGH[::-1]]


def test_a_comment_allows_a_line_of_a_cell() -> None:
    cell = {"cell_type": "code", "source": f"token = '{HIGH}'  # fairing-kfp: allow-secret\npassword = 'x{HIGH}'"}
    first, second = found_in("a.ipynb", json.dumps({"cells": [cell]}))
    assert (first.allowed, second.allowed) == (COMMENT, "")


def test_archives_name_the_file_in_them() -> None:
    (finding,) = found_in("a.yaml.gz", gzip.compress(f"password: {HIGH}\n".encode()))
    assert (finding.where, finding.line) == ("a.yaml.gz", 1)


def test_pickles_are_read_and_never_run() -> None:
    class Bomb:
        def __reduce__(self) -> tuple[object, ...]:
            return pytest.fail, ("it ran",)

    (finding,) = found_in("a.pkl", pickle.dumps([{"password": HIGH}]) + b"")
    assert finding.name == "password"
    assert found_in("bomb.pkl", _bomb()) == []


def _bomb() -> bytes:
    return b"\x80\x04cos\nabort\n(tR."


def test_damaged_files_are_scanned_as_far_as_they_can_be_read() -> None:
    whole = pickle.dumps({"password": HIGH, "rest": list(range(100))})
    assert found_in("a.pkl", whole[: len(whole) // 2])
    assert found_in("a.zip", b"PK\x03\x04" + b"\0" * 40) == []
    assert found_in("a.gz", b"\x1f\x8b" + b"\0" * 40) == []
    assert found_in("a.ipynb", f'{{"cells": broken, "password": "{HIGH}"}}')


@pytest.mark.parametrize("name", ["password", "dbPassword", "API_TOKEN", "client-secret"])
def test_values_are_judged_by_their_names(name: str) -> None:
    assert [one.name for one in scan_named("it", name, HIGH)] == [name]
    assert [one.name for one in scan_named("it", name, HIGH.encode())] == [name]
    assert scan_named("it", "name", HIGH) == []
    (by_form,) = scan_named("it", name, TOKEN)
    assert (by_form.what, by_form.name) == ("a GitHub token", name)


def test_documents_are_walked_to_their_texts() -> None:
    document = {
        "a": [{"password": HIGH}],
        "b": json.dumps({"deep": {"token": HIGH[::-1]}}),
        "args": ["--api-key", f"1{HIGH}", "--depth", "3"],
        "env": [{"name": "DB_PASSWORD", "value": f"2{HIGH}"}],
        TOKEN: None,
    }
    assert {one.value for one in scan_document("it", document)} == {HIGH, HIGH[::-1], f"1{HIGH}", f"2{HIGH}", TOKEN}


def test_long_texts_of_beginnings_end() -> None:
    """With time that grows by the square, each of them would take minutes."""
    for path, text in (
        ("a.txt", "key=" * 25_000),
        ("a.yaml", "password: " * 10_000),
        ("a.json", '{"token": "' * 9_000),
        ("a.txt", "https://a:" * 10_000),
        ("a.txt", "-----BEGIN " * 9_000),
        ("a.txt", "Aa1" * 33_333),
        ("a.txt", "eyJ.eyJ" * 14_000),
        ("a.txt", "-" * 100_000),
        ("a.txt", " " * 100_000),
        ("a.html", "<tr<td" * 16_000),
        ("a.yaml", "basicAuth:\n users:\n" * 5_000),
        ("a.sh", "x -u=" + "=" * 100_000),
    ):
        scan_file(path, path, text.encode())
