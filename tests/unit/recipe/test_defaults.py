from __future__ import annotations

from pathlib import Path

import pytest

from fairing_kfp.errors import ConfigError
from fairing_kfp.image import Reference
from fairing_kfp.image.dockerfile import Dockerfile
from fairing_kfp.recipe.defaults import chosen_base
from fairing_kfp.settings import Settings


def test_a_components_base_overrides_that_of_the_settings(tmp_path: Path) -> None:
    settings = Settings(base_image="python:3.12")

    assert chosen_base(settings, (3, 11), tmp_path, "python:3.13") == Reference.parse("python:3.13")
    assert chosen_base(settings, (3, 11), tmp_path) == Reference.parse("python:3.12")
    assert chosen_base(Settings(), (3, 11), tmp_path) == Reference.parse("python:3.11-slim")


def test_a_dockerfile_must_exist(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=f"the Dockerfile {tmp_path}/Dockerfile does not exist"):
        chosen_base(Settings(), (3, 11), tmp_path, "dockerfile:Dockerfile")
    (tmp_path / "Dockerfile").write_text("FROM python")

    assert chosen_base(Settings(), (3, 11), tmp_path, "dockerfile:Dockerfile") == Dockerfile(tmp_path / "Dockerfile")
