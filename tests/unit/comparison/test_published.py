"""Published images, read over HTTP."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from fairing_kfp.cache.store import Cache
from fairing_kfp.comparison.image_diff import image_causes
from fairing_kfp.comparison.layer_diff import Layers
from fairing_kfp.comparison.published import PublishedImages
from fairing_kfp.errors import NotFoundError
from fairing_kfp.image import File, Platform, Reference
from fairing_kfp.image.assemble import AssembledIndex, assemble_index
from fairing_kfp.image.base import Base
from fairing_kfp.image.descriptor import OCI_LAYER, digest_of
from fairing_kfp.image.image import MultiPlatformImage
from fairing_kfp.image.layer import Layer
from fairing_kfp.layers.files import layer_of_files
from fairing_kfp.registry.client import RegistryClient
from tests.support import bases
from tests.support.scripted_registry import Answer, Request, Server, errors, serving

ARM = Platform("linux", "arm64")


class Registry:
    """A registry of images.

    Attributes:
        server: the server.
        content: what it serves, by digest.
    """

    def __init__(self, server: Server) -> None:
        self.server = server
        self.content: dict[str, bytes] = {}
        server.rule = self.answer

    def answer(self, request: Request) -> Answer:
        found = self.content.get(request.path.rpartition("/")[2])
        return Answer(404, errors("MANIFEST_UNKNOWN")) if found is None else Answer(200, found)

    def put(self, *layers: Layer, history: bool = True) -> Reference:
        """Publishes an image for two platforms."""
        digest = f"sha256:{'0' * 64}"
        entries = [{"mediaType": OCI_LAYER, "digest": digest, "size": 7}] * 2

        def base_of(image: object) -> Base:
            architecture = image.platform.architecture  # type: ignore[attr-defined]
            config = {**bases.CONFIG, "architecture": architecture, **({} if history else {"history": []})}
            return bases.base(config, layers=entries)

        images = tuple(bases.image(layers=layers, platform=one) for one in (bases.image().platform, ARM))
        index: AssembledIndex = assemble_index(MultiPlatformImage(images), base_of)
        for one in index.images:
            self.content |= {digest_of(one.config): one.config, one.digest: one.manifest.data}
            self.content |= {layer.digest: layer.open().read() for layer in one.layers}
        self.content[index.digest] = index.manifest.data
        return Reference(self.server.host, "me/lab", digest=index.digest)


@pytest.fixture
def registry() -> Iterator[Registry]:
    with serving() as server:
        yield Registry(server)


def layers(text: bytes) -> tuple[Layer, ...]:
    return layer_of_files("runtime", [File("a", b"b")]), layer_of_files("code", [File("opt/fairing/code/a.txt", text)])


def published(registry: Registry, cache: Cache) -> PublishedImages:
    return PublishedImages(RegistryClient(insecure=[registry.server.host]), cache)


def test_an_index_is_read_and_only_layers_that_differ(registry: Registry, cache: Cache) -> None:
    references = [registry.put(*layers(text)) for text in (b"one", b"two")]
    images = [published(registry, cache).read(reference) for reference in references]

    (cause,) = image_causes(images[0], images[1], Layers())

    assert (cause.text, cause.layer, cause.details) == ("a.txt changed", "code", ("-one", "+two"))
    assert sorted(images[0].platforms) == ["linux/amd64", "linux/arm64"]
    assert [one.name for one in images[0].platforms["linux/amd64"].layers] == ["runtime", "code"]
    blobs = [line for line in registry.server.lines if layers(b"")[0].digest in line]
    assert not blobs


def test_manifests_and_configs_are_kept(registry: Registry, cache: Cache) -> None:
    reference = registry.put(*layers(b"one"))
    first = published(registry, cache).read(reference)
    registry.content.clear()
    registry.server.requests.clear()

    assert published(registry, cache).read(reference).digest == first.digest
    assert not registry.server.requests


def test_an_image_that_is_gone_is_an_error(registry: Registry, cache: Cache) -> None:
    with pytest.raises(NotFoundError):
        published(registry, cache).read(Reference(registry.server.host, "me/lab", digest=f"sha256:{'1' * 64}"))


def test_a_layer_with_another_digest_is_not_compared(registry: Registry, cache: Cache) -> None:
    images = [published(registry, cache).read(registry.put(*layers(text))) for text in (b"one", b"two")]
    code = layers(b"one")[1]
    registry.content[code.digest] = bytes(len(registry.content[code.digest]))

    (cause,) = image_causes(images[0], images[1], Layers())
    assert cause.text.startswith("the layer code changed; it was not compared")


def test_without_a_history_layers_have_numbers(registry: Registry, cache: Cache) -> None:
    images = [published(registry, cache).read(registry.put(*layers(text), history=False)) for text in (b"one", b"two")]

    assert [one.name for one in images[0].platforms["linux/amd64"].layers] == [f"layer {one}" for one in range(1, 5)]
    assert [cause.text for cause in image_causes(images[0], images[1], Layers())] == ["a.txt changed"]
