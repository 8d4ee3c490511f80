"""License texts: each layer that our own code makes has that of every distribution of which it contains files."""

from __future__ import annotations

import sys
import tarfile
from importlib import metadata
from pathlib import Path

import pytest

from fairing_kfp.cache.store import Cache
from fairing_kfp.dependencies.layers import dependency_layers
from fairing_kfp.dependencies.resolve import resolve
from fairing_kfp.dependencies.target import Target
from fairing_kfp.image.layer import Layer
from fairing_kfp.layers.files import layer_of_files
from fairing_kfp.preprocess.image_paths import DEPENDENCIES
from fairing_kfp.recipe.license_texts import license_texts
from fairing_kfp.recipe.package_layer import package_layer
from fairing_kfp.recipe.runtime_layer import runtime_files, runtime_layer
from fairing_kfp.recipe.server_layer import server_files, server_lock
from tests.support.paths import TOP
from tests.support.shelf import Shelf

APACHE = (TOP / "LICENSE").read_bytes()
IMAGE = Target.for_image(sys.version_info[:2])


def _installed(name: str) -> list[bytes]:
    """The license texts in the metadata of an installed distribution."""
    found = [file for file in metadata.files(name) or [] if ".dist-info/" in str(file)]
    names = ("LICEN", "COPYING", "NOTICE")
    return [Path(str(file.locate())).read_bytes() for file in found if file.name.upper().startswith(names)]


def _texts(layer: Layer) -> dict[str, bytes]:
    """The license texts in a layer, by the folders that they are in."""
    with layer.open() as blob, tarfile.open(fileobj=blob, mode="r:gz") as archive:
        files = [entry for entry in archive if entry.isfile() and entry.name.endswith("/LICENSE")]
        return {str(Path(one.name).parent): archive.extractfile(one).read() for one in files}  # type: ignore[union-attr]


def test_the_texts_are_those_of_the_distributions() -> None:
    assert list(license_texts("fairing-kfp", "kfp").values()) == [APACHE, APACHE]
    assert list(license_texts("cloudpickle").values()) == _installed("cloudpickle")
    kfp = metadata.metadata("kfp").get_all("Classifier") or []
    assert "License :: OSI Approved :: Apache Software License" in kfp  # its wheel has no text


def test_the_runtime_layer_has_those_of_its_distributions() -> None:
    assert _texts(runtime_layer()) == {
        "opt/fairing/runtime/licenses/cloudpickle": _installed("cloudpickle")[0],
        "opt/fairing/runtime/licenses/fairing-kfp": APACHE,
        "opt/fairing/runtime/licenses/kfp": APACHE,
    }
    private = {file.path.split("/private/")[1].split("/")[0] for file in runtime_files() if "/private/" in file.path}
    assert private == {"kfp"}, "add the text of the new distribution"


def test_the_server_layer_has_ours() -> None:
    layer = layer_of_files("server", server_files())

    assert _texts(layer) == {"opt/fairing/server/licenses/fairing-kfp": APACHE}


def test_the_layer_of_our_own_image_has_ours(cache: Cache) -> None:
    described = {f"fairing_kfp-1.dist-info/{path}": text for path, text in license_texts("fairing-kfp").items()}
    layer = package_layer(described, "gzip", cache)

    assert _texts(layer) == {"opt/fairing/package/fairing_kfp-1.dist-info/licenses/fairing-kfp": APACHE}


def test_layers_of_packages_have_those_of_their_wheels(shelf: Shelf, cache: Cache) -> None:
    shelf.wheel("ant", files={"ant-1.0.dist-info/licenses/LICENSE": "do what you like"})
    shelf.wheel("bee", files={"bee-1.0.dist-info/LICENSE": "do not"})
    (layer,) = dependency_layers(resolve(("ant", "bee"), IMAGE, cache), cache, "gzip")

    assert _texts(layer) == {
        f"{DEPENDENCIES}/ant-1.0.dist-info/licenses": b"do what you like",
        f"{DEPENDENCIES}/bee-1.0.dist-info": b"do not",
    }


@pytest.mark.parametrize("name", sorted(server_lock(IMAGE).pins))
def test_wheels_of_the_server_have_theirs(name: str) -> None:
    assert _installed(name)
