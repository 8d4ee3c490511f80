"""Runs the unit tests on every Python at hand, each in a virtual environment of its own; prints a line for each.

Usage: `python tests/pythons.py FOLDER [PYTEST ARGUMENT…]`. The folder keeps the environments and the logs. Pythons are
those on PATH and of pyenv: of each minor version from 3.10 on the newest.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

TOP = Path(__file__).parents[1]
OLDEST = (3, 10)
KFP = "kfp>=2.17"  # of the golden files; uv may choose an older one to have other packages newer
VERSION = "import sys; print(*sys.version_info[:3]); print(sys._base_executable)"


def interpreters() -> Iterator[Path]:
    """Candidates; shims of pyenv among them may not work."""
    for folder in os.get_exec_path():
        yield from sorted(Path(folder).glob("python3.[0-9]*"))
    yield from sorted(Path.home().glob(".pyenv/versions/*/bin/python"))


def newest(candidates: Iterable[Path]) -> dict[tuple[int, int], tuple[tuple[int, ...], str]]:
    """The newest version and the interpreter of each minor version."""
    found: dict[tuple[int, int], tuple[tuple[int, ...], str]] = {}
    for candidate in candidates:
        if candidate.name.endswith("-config"):
            continue
        done = subprocess.run([candidate, "-c", VERSION], capture_output=True, text=True, check=False)
        if done.returncode == 0:
            numbers, path = done.stdout.splitlines()
            version = tuple(map(int, numbers.split()))
            minor = version[0], version[1]
            if minor >= OLDEST and version > found.get(minor, ((), ""))[0]:
                found[minor] = version, path
    return dict(sorted(found.items()))


def tested(python: str, folder: Path, arguments: list[str]) -> str:
    """Runs the tests; gives what pytest says last, or why they could not run."""
    log, made = folder.parent / f"{folder.name}.log", folder / "bin" / "python"
    uv = [sys.executable, "-m", "uv"]
    with log.open("w") as output:
        editable = ["--editable", str(TOP), "--group", "dev", "--excludes", str(TOP / "tests" / "excludes.txt"), KFP]
        steps = [
            [*uv, "venv", "--quiet", "--allow-existing", "--python", python, str(folder)],
            [*uv, "pip", "install", "--quiet", "--python", str(made), *editable],
            [str(made), "-m", "pytest", "-q", "-p", "no:cacheprovider", *arguments],
        ]
        for step in steps:
            done = subprocess.run(step, stdout=output, stderr=subprocess.STDOUT, cwd=TOP, check=False)
            if done.returncode:
                break
    words = log.read_text().strip().splitlines()[-1:] or ["no output"]
    return ("" if done.returncode == 0 else f"FAILED, see {log}: ") + words[0]


def main(folder: Path, arguments: list[str]) -> int:
    """Tests all Pythons; gives the exit code."""
    folder.mkdir(parents=True, exist_ok=True)
    failed = False
    for minor, (version, python) in newest(interpreters()).items():
        began = time.monotonic()
        said = tested(python, folder / ".".join(map(str, minor)), arguments or ["tests/unit"])
        failed = failed or said.startswith("FAILED")
        print(f"Python {'.'.join(map(str, version))} ({time.monotonic() - began:.0f} s): {said}", flush=True)
    return int(failed)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), sys.argv[2:]))
