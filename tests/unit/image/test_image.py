from __future__ import annotations

import subprocess
import sys

import pytest

from fairing_kfp.errors import PlatformError
from fairing_kfp.image import MultiPlatformImage, Platform, Reference
from fairing_kfp.image.image import require_single_platform
from tests.support.bases import image


def test_the_order_of_images_does_not_matter() -> None:
    images = [image(platform=Platform("linux", name)) for name in ("arm64", "amd64", "s390x")]
    assert MultiPlatformImage(tuple(images)) == MultiPlatformImage(tuple(reversed(images)))
    assert [str(one) for one in MultiPlatformImage(tuple(images)).platforms] == [
        "linux/amd64",
        "linux/arm64",
        "linux/s390x",
    ]


def test_invalid_combinations_of_images() -> None:
    elsewhere = image(platform=Platform("linux", "arm64"), base=Reference.parse("python:3.13"))
    for images in ((), (image(), image()), (image(), elsewhere)):
        with pytest.raises(PlatformError):
            MultiPlatformImage(images)


def test_builders_for_one_platform_reject_others() -> None:
    images = tuple(image(platform=Platform("linux", name)) for name in ("amd64", "arm64"))
    assert require_single_platform(images[0], "docker") is images[0]
    with pytest.raises(PlatformError, match=r"builder docker makes images for one .* linux/amd64, linux/arm64"):
        require_single_platform(MultiPlatformImage(images), "docker")


def test_importing_the_package_is_light() -> None:
    script = "import sys, fairing_kfp.image; print([m for m in ('urllib3', 'isal', 'kfp', 'ssl') if m in sys.modules])"
    assert subprocess.run([sys.executable, "-c", script], capture_output=True, check=True).stdout == b"[]\n"
