"""Components of several platforms: what their images share, with packages resolved by uv from hand-made wheels."""

import sys
from dataclasses import replace

import pytest

from fairing_kfp.component import ComponentSource
from fairing_kfp.errors import DependencyError, PlatformError
from fairing_kfp.image import Image, MultiImage
from fairing_kfp.prepare import prepare
from fairing_kfp.settings import Settings

BOTH = ("linux/amd64", "linux/arm64")


def step() -> None: ...


@pytest.fixture
def source():
    return ComponentSource("0" * 12, "step", step, {}, packages=("ant",), platforms=BOTH)


def test_pure_wheels_are_one_layer(shelf, cache, source):
    shelf.wheel("ant", needs=["bee"], entry_points="[console_scripts]\nant = ant:main\n")
    shelf.wheel("bee")
    prepared = prepare(source, Settings(), cache)
    assert isinstance(prepared.image, MultiImage)
    amd, arm = prepared.image.images
    assert [str(one.platform) for one in (amd, arm)] == list(BOTH)
    assert [layer.name for layer in amd.layers] == ["runtime", "dependencies", "code"]
    assert amd.layers == arm.layers
    assert prepared.requirements == ("ant==1.0", "bee==1.0")


def test_native_wheels_are_a_layer_for_each_platform(shelf, cache, source):
    python = f"cp{sys.version_info[0]}{sys.version_info[1]}"
    for machine in ("x86_64", "aarch64"):
        tag = f"{python}-{python}-manylinux_2_17_{machine}"
        shelf.wheel("ant", files={"ant_native.so": machine}, needs=["bee; platform_machine=='aarch64'"], tag=tag)
    shelf.wheel("bee")
    prepared = prepare(source, Settings(), cache)
    amd, arm = prepared.image.images
    assert (amd.layers[0], amd.layers[2]) == (arm.layers[0], arm.layers[2])
    assert amd.layers[1].diff_id != arm.layers[1].diff_id
    assert set(prepared.requirements) == {"ant==1.0", "bee==1.0"}


def test_a_platform_without_a_wheel_is_named(shelf, cache, source):
    python = f"cp{sys.version_info[0]}{sys.version_info[1]}"
    shelf.wheel("ant", tag=f"{python}-{python}-manylinux_2_17_x86_64")
    with pytest.raises(DependencyError, match=r"linux/arm64 \(manylinux_2_28\)"):
        prepare(source, Settings(), cache)


def test_the_order_and_spelling_of_platforms_do_not_matter(cache, source):
    plain = replace(source, packages=())
    turned = replace(plain, platforms=("linux/aarch64", "linux/x86_64", "linux/arm64/v8"))
    assert prepare(turned, Settings(), cache).image == prepare(plain, Settings(), cache).image


@pytest.mark.parametrize("platforms", [(), ("linux/arm64",), ("linux/arm64", "linux/aarch64")])
def test_one_platform_stays_a_plain_image(cache, source, platforms):
    prepared = prepare(replace(source, packages=(), platforms=platforms), Settings(), cache)
    assert isinstance(prepared.image, Image)
    assert str(prepared.image.platform) == ("linux/arm64" if platforms else "linux/amd64")


def test_settings_name_the_platforms_of_components_that_name_none(cache, source):
    silent = replace(source, packages=(), platforms=())
    assert isinstance(prepare(silent, Settings(platforms=BOTH), cache).image, MultiImage)
    named = replace(silent, platforms=("linux/arm64",))
    assert isinstance(prepare(named, Settings(platforms=BOTH), cache).image, Image)


def test_a_malformed_platform_is_named(cache, source):
    with pytest.raises(PlatformError, match="'arm64' is malformed"):
        prepare(replace(source, platforms=("linux/amd64", "arm64")), Settings(), cache)
