"""Components of several platforms: what their images share, with packages resolved by uv from hand-made wheels."""

import sys
from dataclasses import replace

import pytest

from fairing_kfp.errors import ConfigError, DependencyError, PlatformError
from fairing_kfp.image import File, Image, Layer, MultiImage
from fairing_kfp.local.root import root_digest, unpack_root
from fairing_kfp.prepare import prepare, runtime_layer
from fairing_kfp.preprocess.dependencies import Target, resolve, unpack
from fairing_kfp.preprocess.function import FunctionSource
from fairing_kfp.preprocess.runtime_files import runtime_files
from fairing_kfp.settings import Settings
from fairing_kfp.source import ComponentSource

BOTH = ("linux/amd64", "linux/arm64")


def step() -> None: ...


@pytest.fixture
def source():
    return ComponentSource("0" * 12, "step", FunctionSource(step, {}), packages=("ant",), platforms=BOTH)


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


def test_the_runtime_is_for_any_platform():
    assert not [file.path for file in runtime_files() if file.path.endswith((".so", ".pyd", ".dylib"))]
    assert not [file.path for file in runtime_files() if b"\x7fELF" in file.data[:4]]
    assert runtime_layer() == runtime_layer()


@pytest.mark.parametrize("compression", ["gzip", "zstd"])
def test_packages_are_compressed_as_the_settings_say(shelf, cache, source, compression):
    shelf.wheel("ant")
    prepared = prepare(source, Settings(compression=compression), cache)
    layers = {layer.name: layer.compression for image in prepared.image.images for layer in image.layers}
    assert layers == {"runtime": "gzip", "dependencies": compression, "code": "gzip"}


def test_an_unknown_compression_is_refused(cache, source):
    with pytest.raises(ConfigError, match="no compression 'brotli'"):
        prepare(replace(source, packages=()), Settings(compression="brotli"), cache)


def test_a_damaged_tree_is_unpacked_again(shelf, cache):
    shelf.wheel("ant")
    lock = resolve(["ant"], Target.for_image((3, 12)), cache)
    place = unpack(lock, cache)
    (place / "ant.py").write_text("version = 'tampered with'\n")
    assert (unpack(lock, cache) / "ant.py").read_text() == "version = '1.0'\n"


def test_a_damaged_root_is_unpacked_again(cache):
    layers = [Layer.of_files("code", [File("opt/fairing/code/step.py", b"right")])]
    code = unpack_root(layers, {}, root_digest(layers, "", {}), cache) / "code"
    (code / "step.py").unlink()
    unpack_root(layers, {}, root_digest(layers, "", {}), cache)
    assert (code / "step.py").read_bytes() == b"right"


def test_a_malformed_platform_is_named(cache, source):
    with pytest.raises(PlatformError, match="'arm64' is malformed"):
        prepare(replace(source, platforms=("linux/amd64", "arm64")), Settings(), cache)
