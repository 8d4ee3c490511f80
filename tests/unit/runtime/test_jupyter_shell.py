"""Shell commands of a script that was a notebook."""

from __future__ import annotations

import pytest

from fairing_kfp.runtime.jupyter_shell import getoutput, system

name, files = "a b", {"x": [1, 2]}


def test_a_command_gives_its_lines() -> None:
    lines = getoutput("echo one; echo two >&2")

    assert lines == ["one", "two"]
    assert (lines.n, lines.s, lines.l) == ("one\ntwo", "one two", ["one", "two"])
    assert getoutput("false") == []


@pytest.mark.parametrize(
    ("command", "printed"),
    [
        ("echo {name} $name {files['x'][0] + 1}", "a b a b 2"),
        ("echo {local}$local", "33"),
        ("X=1; echo $X ${X} {unknown} {a,b}", "1 1 {unknown} a b"),
        ("echo $$name '{{name}}'", "'{name}'"),
        ("echo a | awk '{print $1}'", "a"),
    ],
)
def test_variables_of_the_script_are_in_it(command: str, printed: str, capfd: pytest.CaptureFixture[str]) -> None:
    local = 3

    assert local == 3
    shown = getoutput(command)
    system(command)
    if "$$" not in command:
        assert shown[0].replace("{a,b}", "a b") == printed
    assert capfd.readouterr().out.strip() == shown.n


def test_a_failure_is_said(capfd: pytest.CaptureFixture[str]) -> None:
    system("exit 3")

    assert capfd.readouterr().err == "the command exited with code 3\n"


def test_an_image_without_a_shell(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("subprocess.run", lambda *_, **__: (_ for _ in ()).throw(FileNotFoundError("/bin/sh")))

    with pytest.raises(RuntimeError, match="the image of this step has no shell"):
        getoutput("ls")
