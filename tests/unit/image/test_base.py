"""The check that an image fits its base."""

from __future__ import annotations

from typing import Any

import pytest

from fairing_kfp.errors import PlatformError, PythonVersionError
from fairing_kfp.image import Platform
from fairing_kfp.image.base import check_fits
from tests.support.bases import CONFIG, base, image, settings


def test_a_base_that_fits() -> None:
    check_fits(base(), image())


@pytest.mark.parametrize("value", ["3.12", "3.12.4", "3.12.0rc1"])
def test_patch_versions_are_ignored(value: str) -> None:
    check_fits(base(settings(Env=[f"PYTHON_VERSION={value}"])), image())


def test_a_base_with_another_python() -> None:
    with pytest.raises(PythonVersionError) as caught:
        check_fits(base(settings(Env=["PYTHON_VERSION=3.1.2"])), image())
    assert caught.value.message == (
        "the base image docker.io/library/python:3.12-slim of train has Python 3.1, "
        "but the code is packed by Python 3.12"
    )
    assert "python:3.12-slim" in caught.value.remedy
    assert "under Python 3.1" in caught.value.remedy


@pytest.mark.parametrize("env", [[], None, ["PYTHON_VERSION=unknown"], ["PYTHON_VERSION"]])
def test_a_base_with_an_unknown_python(env: Any) -> None:
    unknown = base(settings(Env=env))
    with pytest.raises(PythonVersionError, match="is unknown") as caught:
        check_fits(unknown, image())
    assert 'python_version="3.12"' in caught.value.remedy
    check_fits(unknown, image(declared_python="3.12"))
    with pytest.raises(PythonVersionError, match=r"has Python 3\.11"):
        check_fits(unknown, image(declared_python="3.11"))


def test_a_declaration_cannot_contradict_the_base() -> None:
    check_fits(base(), image(declared_python="3.12"))
    with pytest.raises(PythonVersionError, match=r"python_version='3\.11' of train contradicts its base image"):
        check_fits(base(), image(declared_python="3.11"))


def test_a_malformed_declaration() -> None:
    with pytest.raises(PythonVersionError, match="'new' of train is not a version"):
        check_fits(base(), image(declared_python="new"))


def test_a_base_for_another_platform() -> None:
    arm = {**CONFIG, "architecture": "arm64", "variant": "v8"}
    check_fits(base(arm), image(platform=Platform("linux", "arm64")))
    with pytest.raises(PlatformError, match="does not support linux/amd64, only: linux/arm64"):
        check_fits(base(arm), image())
    listed = (Platform("linux", "arm64"), Platform("linux", "s390x"))
    with pytest.raises(PlatformError, match="only: linux/arm64, linux/s390x"):
        check_fits(base(arm, platforms=listed), image())
