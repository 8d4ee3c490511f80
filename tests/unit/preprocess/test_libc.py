"""Which C library wheels ask for."""

from __future__ import annotations

from pathlib import Path

import pytest

from fairing_kfp.errors import ConfigError
from fairing_kfp.preprocess import libc
from fairing_kfp.preprocess.lock import Target


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
def test_needed(tmp_path: Path, tags: dict[str, str], needed: str) -> None:
    assert libc.needed([tree(tmp_path, **tags)]) == needed


def test_of_several_platforms_the_newest_counts() -> None:
    (file,) = libc.files(["manylinux_2_9", "", "manylinux_2_17"])

    assert (file.path, file.data) == ("opt/fairing/code/libc", b"manylinux_2_17")
    assert libc.files(["", ""]) == ()


@pytest.mark.parametrize("name", ["", "glibc", "manylinux", "manylinux_2_29", "manylinux_9_9", "musllinux_1_1", "any"])
def test_a_libc_that_wheels_cannot_be_chosen_for(name: str) -> None:
    with pytest.raises(ConfigError, match="none that wheels can be chosen for") as caught:
        libc.checked(name)

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
def test_uv_is_told(name: str | None, told: str) -> None:
    assert told in Target.for_image((3, 12), "linux/amd64", name).uv_options
