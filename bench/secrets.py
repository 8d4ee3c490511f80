"""Credentials found and innocents refused: fairing-kfp and detect-secrets, on the corpus of the tests."""

from __future__ import annotations

import json
import subprocess
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path

from bench.measure import MissingError
from bench.peers import PYTHON, importable
from fairing_kfp.preprocess.secrets.scan import scan_file
from tests.support.secret_corpus.case import Case
from tests.support.secret_corpus.innocents import innocents
from tests.support.secret_corpus.secrets import secrets

_MODULE = "detect_secrets"
_ENTROPY = ("Base64 High Entropy String", "Hex High Entropy String", "Secret Keyword")


def measure() -> list[str]:
    """Compares the rates, and the time for all files; a table in Markdown."""
    if not importable(_MODULE):
        raise MissingError("detect-secrets is not in the Python of BENCH_PEERS")
    groups = {"credentials found": secrets(), "innocents refused": innocents()}
    lines = [
        "|                   | fairing-kfp | detect-secrets | its forms of tokens alone |",
        "| --- | --- | --- | --- |",
    ]
    for what, cases in groups.items():
        start = time.monotonic()
        ours = sum(bool(scan_file(case.path, case.path, case.data)) for case in cases)
        seconds = time.monotonic() - start
        theirs, forms, their_seconds = _theirs(cases)
        total = len(cases)
        cells = (
            f"{_share(ours, total)}, {seconds:.1f} s",
            f"{_share(theirs, total)}, {their_seconds:.1f} s",
            _share(forms, total),
        )
        lines.append(f"| {what} | {' | '.join(cells)} |")
    return ["\n".join(lines)]


def _theirs(cases: Iterable[Case]) -> tuple[int, int, float]:
    with tempfile.TemporaryDirectory() as folder:
        for number, case in enumerate(cases):
            path = Path(folder, str(number), case.path)
            path.parent.mkdir(parents=True)
            path.write_bytes(case.data)
        command = [PYTHON, "-m", _MODULE, "scan", "--all-files", "--no-verify", "."]
        start = time.monotonic()
        done = subprocess.run(command, cwd=folder, capture_output=True, check=True)
        seconds = time.monotonic() - start
    found = json.loads(done.stdout)["results"]
    every = {path.partition("/")[0] for path in found}
    forms = {
        path.partition("/")[0] for path, all_of in found.items() if any(one["type"] not in _ENTROPY for one in all_of)
    }
    return len(every), len(forms), seconds


def _share(count: int, total: int) -> str:
    return f"{count} of {total} ({count / total:.0%})"
