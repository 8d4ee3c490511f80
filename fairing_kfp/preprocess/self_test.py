"""The self-test of packing, for versions of Python that the tests never ran with.

It packs a few functions in two processes with other hash seeds, compares the bytes, and runs what was packed in a
third. Its result is kept for this interpreter and this code of ours.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

from fairing_kfp.errors import PackError
from fairing_kfp.preprocess import facts
from fairing_kfp.preprocess.pickle.interpreter import TRIED

_CASES = Path(__file__).with_name("self_test_cases.py")
_HERE = Path(__file__).parent
_RESULTS = facts.Facts("self-test", *_HERE.glob("*.py"), *_HERE.glob("pickle/*.py"), *_HERE.glob("../runtime/*.py"))
_PROGRAM = "fairing_kfp.preprocess.self_test_program"
_SECONDS = 300


def untried_version() -> str:
    """A warning if the version of this interpreter was never tried; empty if it was.

    Raises:
        PackError: it was never tried, and the self-test fails.
    """
    version = f"Python {sys.version_info[0]}.{sys.version_info[1]}"
    if sys.version_info[:2] in TRIED:
        return ""
    problem = _RESULTS.get("", sys.version)
    if problem is None:
        problem = self_test()
        _RESULTS.put("", sys.version, problem)
    if problem:
        raise PackError(
            f"{version} was never tried, and the self-test of packing fails with it: {problem}",
            f"use Python {'.'.join(map(str, TRIED[0]))} to {'.'.join(map(str, TRIED[-1]))}",
        )
    return f"{version} was never tried with this release; the self-test of packing passes with it"


def skip() -> None:
    """Takes the test as passed in this process, which is part of it."""
    _RESULTS.put("", sys.version, "")


def self_test() -> str:
    """Packs, compares and runs the cases; gives what is wrong, empty if nothing is."""
    with tempfile.TemporaryDirectory(prefix="fairing-self-test-") as scratch:
        folder = Path(scratch)
        for name in ("first", "second"):  # in folders of their own, as of two checkouts
            (folder / name).mkdir()
            (folder / name / "self_test_steps.py").write_bytes(_CASES.read_bytes())
        try:
            expected = _process(1, "pack", folder / "first")
            _process(2, "pack", folder / "second")
            packed = [_content(folder / name / "packed") for name in ("first", "second")]
            changed = {
                path.partition("/")[0]
                for path in {*packed[0], *packed[1]}
                if packed[0].get(path) != packed[1].get(path)
            }
            if changed:
                return f"packed twice, {', '.join(sorted(changed))} differ"
            given = _process(3, "run", folder / "first")
        except RuntimeError as error:
            return str(error)
    wrong = [
        f"{name} gives {given.get(name)!r} instead of {value!r}"
        for name, value in expected.items()
        if given.get(name) != value
    ]
    return "; ".join(wrong)


def _process(seed: int, action: str, folder: Path) -> Any:
    """The answer of the program.

    Raises:
        RuntimeError: it fails.
    """
    import subprocess  # a version that was tried needs none

    env = {
        **os.environ,
        "PYTHONHASHSEED": str(seed),
        "PYTHONPATH": os.pathsep.join(path or str(Path.cwd()) for path in sys.path),
    }
    command = [sys.executable, "-m", _PROGRAM, action, str(folder)]
    done = subprocess.run(command, env=env, cwd=folder, capture_output=True, text=True, check=False, timeout=_SECONDS)
    if done.returncode:
        raise RuntimeError((done.stderr.strip().splitlines() or ["it ended without a word"])[-1])
    return json.loads(done.stdout.splitlines()[-1])


def _content(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
