"""Exit codes, and `-v`."""

from __future__ import annotations

from pathlib import Path

import pytest

from fairing_kfp import errors
from fairing_kfp.cli.exit_codes import exit_code
from tests.support.command_line import fairing_kfp

PIPELINE = """
from kfp import dsl
from fairing_kfp import fairing_component

@fairing_component
def step(fail: bool = False) -> int:
    assert not fail, "as it was told"
    return 1

@dsl.pipeline
def one(fail: bool = False):
    step(fail=fail)
"""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "one.py").write_text(PIPELINE)
    (tmp_path / "broken.py").write_text("options = {}\n\ndef read():\n    return options['word']\n\nread()\n")
    for name in ("KUBECONFIG", "KF_PIPELINES_ENDPOINT", "FAIRING_KFP_HOST"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "no-kubeconfig"))
    monkeypatch.setenv("DOCKER_HOST", "unix:///nowhere/docker.sock")
    return tmp_path


REGISTRY = ("--registry", "localhost:1/me", "--insecure", "localhost:1")
COMMANDS = {
    1: [("run", "one.py", "-p", "fail=true", "-q")],
    2: [
        ("run", "one.py", "--unknown"),
        ("run", "missing.py"),
        ("run", "one.py:two"),
        ("run", "one.py", "-p", "depth=3"),
        ("run", "one.py", "-p", "fail=maybe"),
        ("run", "broken.py"),
        ("compile", "one.py"),
        ("compile", "one.py", *REGISTRY, "--builder", "moon"),
        ("submit", "one.py", *REGISTRY),
        ("runs", "list", "--limit", "0"),
        ("serve", "one.py"),
        ("explain",),
    ],
    3: [
        ("compile", "one.py", *REGISTRY),
        ("compile", "one.py", "--builder", "docker"),
        ("run", "one.py", "--runner", "docker"),
        ("submit", "one.py", *REGISTRY, "--host", "http://localhost:1"),
        ("runs", "list", "--host", "http://localhost:1"),
        ("undeploy", "digits"),
        ("rollback", "digits", f"registry.example.com/digits@sha256:{'0' * 64}"),
    ],
}


@pytest.mark.parametrize(
    ("code", "arguments"),
    [pytest.param(code, one, id=f"{code}-{' '.join(one)}") for code, all_ in COMMANDS.items() for one in all_],
)
def test_each_kind_of_failure_has_its_exit_code(code: int, arguments: tuple[str, ...]) -> None:
    found, output = fairing_kfp(*arguments)

    assert (found, "fairing_kfp/" in output) == (code, False), output


def test_ctrl_c_ends_with_130(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("fairing_kfp.local.run.run", interrupted)
    assert fairing_kfp("run", "one.py")[0] == 130


def test_subclasses_decide_before_their_bases() -> None:
    assert exit_code(errors.ConfigError("a", "b")) == 2
    assert exit_code(errors.UnavailableError("a", "b")) == 3
    assert exit_code(errors.DependencyError("a", "b")) == 2
    assert exit_code(errors.PackageIndexError("a", "b")) == 3
    assert exit_code(errors.RunFailedError("a", "b")) == 1


@pytest.mark.parametrize(
    "arguments", [("-v", "run", "broken.py"), ("run", "broken.py", "-v"), ("run", "-v", "broken.py")]
)
def test_verbose_shows_the_frames(arguments: tuple[str, ...]) -> None:
    code, output = fairing_kfp(*arguments)

    assert code == 2
    assert "Traceback (most recent call last)" in output
    assert "component/load.py" in output
    assert output.splitlines()[-3:] == [
        "error: cannot import broken.py: KeyError: 'word'",
        "  at broken.py, line 4, in read: return options['word']",
        "  → correct the code at that line",
    ]


def test_without_it_no_frame_is_shown() -> None:
    _, output = fairing_kfp("run", "broken.py")

    assert output.splitlines() == [
        "error: cannot import broken.py: KeyError: 'word'",
        "  at broken.py, line 4, in read: return options['word']",
        "  → correct the code at that line",
        "  → -v shows the traceback",
    ]
