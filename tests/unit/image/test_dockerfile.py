from __future__ import annotations

from pathlib import Path

import pytest

from fairing_kfp.errors import ConfigError, ReferenceError
from fairing_kfp.image import Image, Platform, Reference
from fairing_kfp.image.dockerfile import Dockerfile, anchored, in_registry, parse_base


def test_a_path_begins_where_it_was_written(tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text("FROM python")

    assert parse_base("dockerfile:Dockerfile", tmp_path) == Dockerfile(tmp_path / "Dockerfile")
    assert parse_base(f"dockerfile:{tmp_path}/Dockerfile", Path("/elsewhere")) == Dockerfile(tmp_path / "Dockerfile")
    assert anchored("dockerfile:a/Dockerfile", tmp_path) == f"dockerfile:{tmp_path}/a/Dockerfile"
    assert anchored("python:3.12", tmp_path) == "python:3.12"


def test_anything_else_is_an_image(tmp_path: Path) -> None:
    assert parse_base("python:3.12", tmp_path) == Reference.parse("python:3.12")
    with pytest.raises(ReferenceError):
        parse_base("Dockerfile:x", tmp_path)


def test_a_dockerfile_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=f"there is no Dockerfile {tmp_path}/Dockerfile"):
        parse_base("dockerfile:Dockerfile", tmp_path)


def test_builders_without_an_engine_name_those_with_one() -> None:
    image = Image("train", Dockerfile(Path("/x/Dockerfile")), (), Platform("linux", "amd64"), (3, 12))

    with pytest.raises(ConfigError, match="the base of train is a Dockerfile, /x/Dockerfile") as caught:
        in_registry(image)
    assert 'builder = "docker"' in caught.value.remedy
