"""Bundles: the gate that keeps credentials out of layers, and their layers."""

from __future__ import annotations

from dataclasses import replace

import pytest

from fairing_kfp.errors import PackError, SecretError
from fairing_kfp.image.layer import File
from fairing_kfp.preprocess.bundle import Bundle
from fairing_kfp.preprocess.secrets import scan
from tests.support.made_up_secrets import FORMS, HIGH

CODE = "opt/fairing/code"
TOKEN = FORMS["a GitHub token"].encode()


@pytest.mark.parametrize(
    ("path", "shown"),
    [
        (f"{CODE}/modules/lab/settings.yaml", "lab/settings.yaml"),
        (f"{CODE}/files/conf/a.txt", "conf/a.txt"),
        (f"{CODE}/embedded/a.txt", "a.txt"),
        (f"{CODE}/notebook.ipynb", "notebook.ipynb"),
        (f"{CODE}/source/flow.step-0123abcd.py", "flow.step"),
        ("etc/app/a.txt", "/etc/app/a.txt"),
    ],
)
def test_no_file_may_contain_a_credential(path: str, shown: str) -> None:
    for files, placed in (((File(path, TOKEN),), ()), ((), (File(path, TOKEN),))):
        with pytest.raises(SecretError, match=f"^step: {shown} contains a GitHub token, in line 1: ") as raised:
            Bundle("step", files, placed=placed)
        assert TOKEN.decode() not in str(raised.value)


def test_settings_are_found_by_their_names() -> None:
    Bundle("step", (File("a.js", f"const apiKey = {HIGH}".encode()),))
    with pytest.raises(SecretError, match="'api-key', which looks like a credential"):
        Bundle("step", (File("a.YAML", f"api-key: {HIGH}".encode()),))


@pytest.mark.parametrize("form", FORMS)
def test_every_form_is_found_in_much_text(form: str) -> None:
    line = "risk-free, https://example.com/a@b, high_scores, .eyJ, xoxo\n" * 1000
    Bundle("step", (File("much.txt", line.encode()),))
    with pytest.raises(SecretError, match=form):
        Bundle("step", (File("much.txt", f"{line}{FORMS[form]} {line}".encode()),))


def test_each_file_is_scanned_once(monkeypatch: pytest.MonkeyPatch) -> None:
    scanned: list[str] = []
    monkeypatch.setattr(scan, "scan_file", lambda where, path, data: scanned.append(path) or [])
    bundle = replace(Bundle("step", (File("a", b"a"),)), placed=(File("b", b"b"),))
    assert [file.path for file in bundle.with_files((File("c", b"c"),)).files] == ["a", "c"]
    assert scanned == ["a", "b", "c"]


def test_two_files_at_one_path_are_refused() -> None:
    with pytest.raises(PackError, match="step: files= puts a file at /a"):
        assert Bundle("step", (File("a", b""),), placed=(File("a", b""),)).layers
