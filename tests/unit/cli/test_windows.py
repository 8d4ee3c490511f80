"""Commands without the modules that Windows does not have."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

_WITHOUT = """
import asyncio, os, ssl, subprocess, sys, urllib.request
import click, click.testing, rich.console

for name in ("fcntl", "grp", "pwd", "termios", "tty"):
    sys.modules[name] = None
for name in ("fork", "geteuid", "getuid", "killpg"):
    delattr(os, name)
sys.platform = "win32"

from fairing_kfp.cli import main

for line in sys.argv[1:]:
    done = click.testing.CliRunner().invoke(main, line.split())
    kind = type(done.exception).__name__ if isinstance(done.exception, SystemExit) else repr(done.exception)
    print(line, done.exit_code, kind, " ".join(done.output.split()), sep="|")
"""
_WORK = ["--help", "compile --help", "cache --help", "completion bash", "init new", "migrate pipeline.py"]
_NEED_WSL = [
    "cache list",
    "compile pipeline.py",
    "components publish -o out",
    "diff old.yaml new.yaml",
    "doctor",
    "explain pipeline.py",
    "lock pipeline.py",
    "model-image model",
    "recurring create pipeline.py --cron 1",
    "replay run train",
    "rerun run --from train",
    "run pipeline.py",
    "serve pipeline.py",
    "submit pipeline.py",
    "upload pipeline.py",
    "verify registry.example.com/me",
]


def test_each_command_works_or_says_that_it_needs_wsl(tmp_path: Path) -> None:
    (tmp_path / "pipeline.py").write_text("")
    done = subprocess.run(
        [sys.executable, "-c", _WITHOUT, *_WORK, *_NEED_WSL], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    found = {line.split("|")[0]: line.split("|")[1:] for line in done.stdout.splitlines()}

    assert {line: found[line][0] for line in _WORK} == dict.fromkeys(_WORK, "0")
    for line in _NEED_WSL:
        name = line.split()[0]
        sentence = f"error: fairing-kfp {name} does not run on Windows itself → run it in WSL: wsl --install"
        assert found[line] == ["2", "SystemExit", sentence]
