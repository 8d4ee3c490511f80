from __future__ import annotations

import pytest

from fairing_kfp.errors import PlatformError
from fairing_kfp.image import Platform


@pytest.mark.parametrize(
    ("text", "same"),
    [
        ("linux/amd64", "linux/amd64"),
        ("linux/x86_64", "linux/amd64"),
        ("linux/amd64/v1", "linux/amd64"),
        ("linux/aarch64", "linux/arm64"),
        ("linux/arm64/v8", "linux/arm64"),
        ("Linux/ARM/v7", "linux/arm"),
        ("linux/arm/v6", "linux/arm/v6"),
        ("linux/amd64/v3", "linux/amd64/v3"),
    ],
)
def test_platforms_are_normalized(text: str, same: str) -> None:
    assert str(Platform.parse(text)) == same


@pytest.mark.parametrize("text", ["", "linux", "linux/", "/amd64", "linux/arm/v7/x", "linux/am d64"])
def test_a_malformed_platform_is_rejected(text: str) -> None:
    with pytest.raises(PlatformError, match="is malformed"):
        Platform.parse(text)


def test_an_equal_platform_is_preferred_to_a_variant() -> None:
    plain, third, arm = map(Platform.parse, ("linux/amd64", "linux/amd64/v3", "linux/arm64"))
    assert plain.choose([arm, third, plain]) == plain
    assert plain.choose([arm, third]) == third
    assert third.choose([arm, plain]) is None
    assert arm.choose([]) is None
