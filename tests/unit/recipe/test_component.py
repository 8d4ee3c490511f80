"""Recipes of components for several platforms, with packages resolved by uv from hand-made wheels."""

import sys
from dataclasses import replace

import pytest

from fairing_kfp.errors import ConfigError, DependencyError, PlatformError
from fairing_kfp.image import Image, MultiPlatformImage
from fairing_kfp.preprocess.function import FunctionSource
from fairing_kfp.preprocess.source import ComponentSource
from fairing_kfp.recipe.component import component_recipe
from fairing_kfp.settings import Settings

BOTH = ("linux/amd64", "linux/arm64")


def step() -> None: ...


@pytest.fixture
def source():
    return ComponentSource("0" * 12, "step", FunctionSource(step, {}), packages=("ant",), platforms=BOTH)


def test_platforms_share_a_layer_of_pure_wheels(shelf, cache, source):
    shelf.wheel("ant", needs=["bee"], entry_points="[console_scripts]\nant = ant:main\n")
    shelf.wheel("bee")
    prepared = component_recipe(source, Settings(), cache)
    assert isinstance(prepared.image, MultiPlatformImage)
    amd, arm = prepared.image.images
    assert [str(one.platform) for one in (amd, arm)] == list(BOTH)
    assert [layer.name for layer in amd.layers] == ["runtime", "dependencies", "code"]
    assert amd.layers == arm.layers
    assert prepared.packages == ("ant==1.0", "bee==1.0")


def test_compiled_wheels_have_a_layer_per_platform(shelf, cache, source):
    python = f"cp{sys.version_info[0]}{sys.version_info[1]}"
    for machine in ("x86_64", "aarch64"):
        tag = f"{python}-{python}-manylinux_2_17_{machine}"
        shelf.wheel("ant", files={"ant_native.so": machine}, needs=["bee; platform_machine=='aarch64'"], tag=tag)
    shelf.wheel("bee")
    prepared = component_recipe(source, Settings(), cache)
    amd, arm = prepared.image.images
    assert (amd.layers[0], amd.layers[2]) == (arm.layers[0], arm.layers[2])
    assert amd.layers[1].diff_id != arm.layers[1].diff_id
    assert set(prepared.packages) == {"ant==1.0", "bee==1.0"}


def test_a_platform_without_a_wheel_is_named(shelf, cache, source):
    python = f"cp{sys.version_info[0]}{sys.version_info[1]}"
    shelf.wheel("ant", tag=f"{python}-{python}-manylinux_2_17_x86_64")
    with pytest.raises(DependencyError, match=r"linux/arm64 \(manylinux_2_28\)"):
        component_recipe(source, Settings(), cache)


def test_the_order_and_spelling_of_platforms_do_not_matter(cache, source):
    plain = replace(source, packages=())
    turned = replace(plain, platforms=("linux/aarch64", "linux/x86_64", "linux/arm64/v8"))
    assert component_recipe(turned, Settings(), cache).image == component_recipe(plain, Settings(), cache).image


@pytest.mark.parametrize("platforms", [(), ("linux/arm64",), ("linux/arm64", "linux/aarch64")])
def test_one_platform_is_a_plain_image(cache, source, platforms):
    prepared = component_recipe(replace(source, packages=(), platforms=platforms), Settings(), cache)
    assert isinstance(prepared.image, Image)
    assert str(prepared.image.platform) == ("linux/arm64" if platforms else "linux/amd64")


def test_default_platforms_from_settings(cache, source):
    silent = replace(source, packages=(), platforms=())
    assert isinstance(component_recipe(silent, Settings(platforms=BOTH), cache).image, MultiPlatformImage)
    named = replace(silent, platforms=("linux/arm64",))
    assert isinstance(component_recipe(named, Settings(platforms=BOTH), cache).image, Image)


@pytest.mark.parametrize("compression", ["gzip", "zstd"])
def test_compression_from_settings(shelf, cache, source, compression):
    shelf.wheel("ant")
    prepared = component_recipe(source, Settings(compression=compression), cache)
    layers = {layer.name: layer.compression for image in prepared.image.images for layer in image.layers}
    assert layers == {"runtime": "gzip", "dependencies": compression, "code": "gzip"}


def test_unknown_compression(cache, source):
    with pytest.raises(ConfigError, match="unknown compression 'brotli'"):
        component_recipe(replace(source, packages=()), Settings(compression="brotli"), cache)


def test_malformed_platform(cache, source):
    with pytest.raises(PlatformError, match="'arm64' is malformed"):
        component_recipe(replace(source, platforms=("linux/amd64", "arm64")), Settings(), cache)
