"""Targets of wheels, and the C libraries that wheels require."""

from __future__ import annotations

from pathlib import Path

import pytest

from fairing_kfp.dependencies.target import Target, checked_libc, libc_check_files, minimum_libc
from fairing_kfp.errors import ConfigError, DependencyError, PlatformError


def tree(folder: Path, **tags: str) -> Path:
    for name, text in tags.items():
        info = folder / f"{name}-1.0.dist-info"
        info.mkdir()
        lines = "".join(f"Tag: {tag}\n" for tag in text.split())
        (info / "WHEEL").write_text(f"Wheel-Version: 1.0\n{lines}")
    return folder


@pytest.mark.parametrize(
    ("tags", "needed"),
    [
        ({}, ""),
        ({"ant": "py3-none-any"}, ""),
        ({"ant": "py2-none-any py3-none-any", "bee": "cp311-abi3-manylinux_2_17_x86_64"}, "manylinux_2_17"),
        ({"ant": "cp311-cp311-manylinux_2_17_x86_64 cp311-cp311-manylinux2014_x86_64"}, "manylinux_2_17"),
        ({"ant": "cp311-cp311-manylinux_2_27_x86_64 cp311-cp311-manylinux_2_28_x86_64"}, "manylinux_2_27"),
        ({"ant": "cp311-cp311-manylinux2014_aarch64", "bee": "cp311-cp311-manylinux_2_28_aarch64"}, "manylinux_2_28"),
        ({"ant": "cp311-cp311-manylinux1_x86_64"}, "manylinux_2_5"),
        ({"ant": "cp311-cp311-musllinux_1_2_x86_64"}, "musllinux_1_2"),
        ({"ant": "cp311-cp311-linux_x86_64"}, ""),
        ({"ant": "cp311-cp311-macosx_11_0_arm64"}, ""),
    ],
)
def test_minimum_libc(tmp_path: Path, tags: dict[str, str], needed: str) -> None:
    assert minimum_libc([tree(tmp_path, **tags)]) == needed


def test_newest_libc_of_several_platforms() -> None:
    (file,) = libc_check_files(["manylinux_2_9", "", "manylinux_2_17"])

    assert (file.path, file.data) == ("opt/fairing/code/libc", b"manylinux_2_17")
    assert libc_check_files(["", ""]) == ()


@pytest.mark.parametrize("name", ["", "glibc", "manylinux", "manylinux_2_29", "manylinux_9_9", "musllinux_1_1", "any"])
def test_unsupported_libc(name: str) -> None:
    with pytest.raises(ConfigError, match="not a C library that wheels can be resolved for") as caught:
        checked_libc(name)

    assert "manylinux_2_28 (the default)" in caught.value.remedy


@pytest.mark.parametrize(
    ("name", "told"),
    [
        (None, "x86_64-manylinux_2_28"),
        ("manylinux2014", "x86_64-manylinux_2_17"),
        ("manylinux_2_34", "x86_64-manylinux_2_34"),
        ("musllinux_1_2", "x86_64-unknown-linux-musl"),
    ],
)
def test_uv_options(name: str | None, told: str) -> None:
    assert told in Target.for_image((3, 12), "linux/amd64", name).uv_options


def test_targets_of_images() -> None:
    assert Target.for_image((3, 12), "linux/arm64/v8").platform == "linux/arm64"
    assert str(Target.for_image((3, 12))) == "Python 3.12 on linux/amd64 (manylinux_2_28)"
    with pytest.raises(DependencyError, match="linux/s390x"):
        Target.for_image((3, 12), "linux/s390x")
    with pytest.raises(PlatformError):
        Target.for_image((3, 12), "amd64")
