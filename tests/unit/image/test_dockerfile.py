from __future__ import annotations

from pathlib import Path

import pytest

from fairing_kfp.errors import InvalidReferenceError
from fairing_kfp.image import Reference
from fairing_kfp.image.dockerfile import Dockerfile, parse_base


def test_a_relative_path_starts_from_the_folder(tmp_path: Path) -> None:
    assert parse_base("dockerfile:Dockerfile", tmp_path) == Dockerfile(tmp_path / "Dockerfile")
    assert parse_base(f"dockerfile:{tmp_path}/Dockerfile", Path("/elsewhere")) == Dockerfile(tmp_path / "Dockerfile")


def test_other_names_are_references(tmp_path: Path) -> None:
    assert parse_base("python:3.12", tmp_path) == Reference.parse("python:3.12")
    with pytest.raises(InvalidReferenceError):
        parse_base("Dockerfile:x", tmp_path)
