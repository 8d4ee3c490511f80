"""Layers: their files, their packages, and what is not read."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Mapping

import pytest
import zstandard

from fairing_kfp.comparison import layer_files
from fairing_kfp.comparison.image import ComparedImage, ImageLayer, PlatformImage
from fairing_kfp.comparison.image_diff import image_causes
from fairing_kfp.comparison.layer_diff import Layers
from fairing_kfp.errors import RegistryError
from fairing_kfp.image.descriptor import digest_of
from fairing_kfp.image.layer import Compression, File
from fairing_kfp.layers.files import layer_of_files

BASE = ("sha256:base",)


def made(name: str, files: Mapping[str, bytes], packages: tuple[str, ...] | None = None) -> ImageLayer:
    one = layer_of_files(name, [File(path, data) for path, data in files.items()])
    return ImageLayer(name, one.diff_id, one.digest, one.size, "gzip", one.open, packages)


def of_bytes(name: str, data: bytes, compression: Compression = "gzip") -> ImageLayer:
    return ImageLayer(name, digest_of(data), digest_of(data), len(data), compression, lambda: io.BytesIO(data))


def installed(*packages: str) -> dict[str, bytes]:
    return {f"opt/fairing/dependencies/{one.replace('==', '-')}.dist-info/METADATA": b"" for one in packages}


def texts(old: tuple[ImageLayer, ...], new: tuple[ImageLayer, ...]) -> list[str]:
    images = [ComparedImage(str(id(one)), {"linux/amd64": PlatformImage(one, BASE, {})}) for one in (old, new)]
    return [f"{cause.text} ({cause.layer})" for cause in image_causes(*images, Layers())]


def test_packages_are_compared_over_all_layers() -> None:
    old = (
        made("torch==2.8.0", {"a": b""}),
        made("dependencies", installed("Scikit_Learn==1.7.1", "six==1.0", "old==1")),
    )
    new = (made("scikit-learn==1.7.2", {"b": b""}), made("dependencies", {}, ("six==1.0", "torch==2.9.0")))

    assert texts(old, new) == [
        "the package old 1 was removed (dependencies)",
        "scikit-learn 1.7.1 → 1.7.2 (dependencies)",
        "torch 2.8.0 → 2.9.0 (dependencies)",
    ]


def test_equal_packages_with_other_files_are_compared_by_file() -> None:
    old, new = ({**installed("six==1.0"), "opt/fairing/dependencies/six.py": data} for data in (b"a = 1", b"a = 2"))

    assert texts((made("dependencies", old),), (made("dependencies", new),)) == ["six.py changed (dependencies)"]


def test_files_are_named_as_their_author_knows_them() -> None:
    old = {"opt/fairing/code/modules/lab/a.py": b"", "etc/a": b"1", "opt/fairing/code/files/a.bin": b"\0"}
    new = {"opt/fairing/code/modules/lab/b.py": b"", "etc/a": b"2", "opt/fairing/code/files/a.bin": b"\0\0"}

    assert texts((made("code", old),), (made("code", new),)) == [
        "/etc/a changed (code)",
        "a.bin changed (code)",
        "lab/a.py was removed (code)",
        "lab/b.py is new (code)",
    ]


def test_layers_are_added_removed_moved_and_compressed() -> None:
    one, two = made("one", {"a": b""}), made("two", {"b": b""})
    again = ImageLayer("one", one.diff_id, "sha256:other", 1, "gzip", one.open)

    assert texts((one,), (one, two)) == ["the layer two is new (two)"]
    assert texts((one, two), (two,)) == ["the layer one was removed (one)"]
    assert texts((one, two), (two, one)) == ["the order of the layers changed ()"]
    assert texts((one,), (again,)) == ["the layer one is compressed in another way (one)"]
    assert texts((one,), (one,)) == ["only the manifest differs, such as its annotations ()"]


def test_zstd_links_and_modes_are_read() -> None:
    def archive(target: str, mode: int) -> bytes:
        buffer = io.BytesIO()
        with tarfile.open(fileobj=buffer, mode="w") as file:
            link, plain = tarfile.TarInfo("lib"), tarfile.TarInfo("run")
            link.type, link.linkname, plain.mode = tarfile.SYMTYPE, target, mode
            file.addfile(link)
            file.addfile(plain)
        return zstandard.compress(buffer.getvalue())

    layers = [(of_bytes("files", archive(*one), "zstd"),) for one in (("a", 0o644), ("b", 0o755))]
    assert texts(*layers) == ["/lib changed (files)", "/run: mode 644 → 755 (files)"]


@pytest.mark.parametrize("data", [b"", b"no gzip", layer_of_files("a", [File("a", b"b")]).open().read()[:700]])
def test_a_damaged_layer_is_not_compared(data: bytes) -> None:
    (text,) = texts((of_bytes("code", data),), (made("code", {"a": b"c"}),))

    assert text.startswith("the layer code changed; it was not compared: it is damaged")


def test_a_large_layer_is_not_fetched(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(layer_files, "MAX_LAYER", 1 << 20)

    def fetched() -> io.BytesIO:
        raise AssertionError

    large = ImageLayer("dependencies", "sha256:a", "sha256:a", 2 << 20, "gzip", fetched)
    assert texts((large,), (made("dependencies", {}),)) == [
        "the layer dependencies changed; it was not compared: it is larger than 1 MB (dependencies)"
    ]


def test_a_layer_that_the_registry_has_lost_is_not_compared() -> None:
    def lost() -> io.BytesIO:
        raise RegistryError("no such blob", "push it again")

    (text,) = texts((ImageLayer("code", "a", "a", 1, "gzip", lost),), (made("code", {"a": b"c"}),))
    assert text == "the layer code changed; it was not compared: no such blob (push it again) (code)"


def test_a_pickle_larger_than_what_is_kept_is_not_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(layer_files, "_KEPT", 2)
    description = {"opt/fairing/code/step.json": b"{}"}
    layers = [(made("code", {"opt/fairing/code/function.pickle": data, **description}),) for data in (b"abc", b"def")]

    assert texts(*layers) == ["the packed function changed; its pickle is too large to be compared (code)"]


def test_each_platform_is_compared_and_named_once() -> None:
    old, new = made("code", {"a": b"1"}), made("code", {"a": b"2"})
    platforms = ("linux/amd64", "linux/arm64")
    images = [
        ComparedImage(name, {platform: PlatformImage((layer,), BASE, {}) for platform in listed})
        for name, layer, listed in (("a", old, platforms), ("b", new, (*platforms, "linux/s390x")))
    ]

    assert [cause.text for cause in image_causes(*images, Layers())] == [
        "/a changed",
        "the platforms: linux/amd64, linux/arm64 → linux/amd64, linux/arm64, linux/s390x",
    ]


def test_layers_of_fairing_kfp_are_not_read() -> None:
    def fetched() -> io.BytesIO:
        raise AssertionError

    names = ("runtime", "server", "fairing-kfp")
    old, new = (tuple(ImageLayer(name, f"{one}{name}", "a", 1, "gzip", fetched) for name in names) for one in "ab")
    assert texts(old, new) == [
        "the runtime of fairing-kfp changed: another packing format (runtime)",
        "the server of fairing-kfp changed: another packing format (server)",
        "fairing-kfp itself changed: another release, or an edited one (fairing-kfp)",
    ]
