"""The gate: what it refuses, what its message shows, and what allows a finding; fingerprints and masks of `finding`."""

from __future__ import annotations

from pathlib import Path

import pytest

from fairing_kfp.errors import SecretError
from fairing_kfp.preprocess.secrets.finding import COMMENT, FINGERPRINT, Finding, fingerprint_of
from fairing_kfp.preprocess.secrets.gate import judge, marked_lines, refuse
from tests.support.made_up_secrets import FORMS, HIGH

FINDING = Finding("conf/a.yaml", "'token', which looks like a credential", HIGH, "token", "conf/a.yaml", 3)


def test_findings_are_refused_without_being_shown() -> None:
    with pytest.raises(SecretError) as raised:
        refuse("train", [FINDING] * 12)
    lines = str(raised.value).splitlines()
    assert lines[0].startswith(f"train: conf/a.yaml contains {FINDING.what}, in line 3: *** (16 characters), ")
    assert lines[0].endswith(f"fingerprint {FINDING.fingerprint}")
    assert lines[10] == "train: 2 more"
    assert f'allow_secrets=["{FINDING.fingerprint}"]' in raised.value.remedy
    assert HIGH not in str(raised.value)
    refuse("train", judge([FINDING], ["token"]))


@pytest.mark.parametrize("entry", ["token", "conf/a.yaml", "a.yaml", "conf/*", FINDING.fingerprint])
def test_entries_that_allow(entry: str) -> None:
    (judged,) = judge([FINDING], ["other", entry])
    assert judged.allowed == f"allow_secrets={entry!r}"


@pytest.mark.parametrize("entry", ["", "Token", "b.yaml", "x/*", fingerprint_of("other")])
def test_entries_that_do_not(entry: str) -> None:
    assert judge([FINDING], [entry]) == (FINDING,)


def test_marked_lines_and_values_allow(tmp_path: Path) -> None:
    file = tmp_path / "a.py"
    file.write_text(f"x = 1\ntoken = '{HIGH}'  # fairing-kfp: allow-secret\n")
    lines = marked_lines([str(file)])
    assert [one.allowed for one in judge([FINDING], (), lines)] == [COMMENT]
    assert [one.allowed for one in judge([FINDING], (), values=[HIGH])] == [COMMENT]
    assert [one.allowed for one in judge([FINDING], (), lines[:0])] == [""]


def test_fingerprints_and_masks() -> None:
    assert FINGERPRINT.fullmatch(fingerprint_of(HIGH))
    assert fingerprint_of(HIGH) != fingerprint_of(HIGH[:-1])
    assert Finding("a", "a GitHub token", FORMS["a GitHub token"]).masked == "ghp_*** (40 characters)"
    assert HIGH not in repr(FINDING)
