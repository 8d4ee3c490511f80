"""Licenses in the metadata of packages."""

from __future__ import annotations

from pathlib import Path

import pytest

from fairing_kfp.attestation.licenses import licenses_in


@pytest.mark.parametrize(
    ("fields", "licenses"),
    [
        ("License-Expression: MIT OR Apache-2.0\nLicense: other", ("MIT OR Apache-2.0",)),
        ("License: BSD-3-Clause\nClassifier: License :: OSI Approved :: BSD License", ("BSD-3-Clause",)),
        ("License: The\n        whole text\nClassifier: License :: OSI Approved :: BSD License", ("BSD License",)),
        ("License: UNKNOWN\nClassifier: License :: OSI Approved", ()),
        ("Classifier: License :: Public Domain\nClassifier: License :: OSI Approved :: Zed", ("Public Domain", "Zed")),
    ],
)
def test_licenses(tmp_path: Path, fields: str, licenses: tuple[str, ...]) -> None:
    folder = tmp_path / "one-1.0.dist-info"
    folder.mkdir()
    (folder / "METADATA").write_text(f"Metadata-Version: 2.4\nName: one\n{fields}\n\nLicense: of the description\n")

    assert licenses_in(tmp_path) == licenses


def test_without_metadata(tmp_path: Path) -> None:
    assert licenses_in(tmp_path) == ()
