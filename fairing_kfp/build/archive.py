"""Archives as `docker load` takes them: a config, layers, and `manifest.json` (https://github.com/moby/docker-image-spec)."""

from __future__ import annotations

import json
import tarfile
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import IO, BinaryIO

from fairing_kfp.build.progress import Progress, Transfer, followed
from fairing_kfp.errors import ImageError
from fairing_kfp.image import tar
from fairing_kfp.image.assemble import Assembled
from fairing_kfp.image.compressor import decompress_zstd
from fairing_kfp.image.descriptor import digest_of
from fairing_kfp.image.layer import Layer

_CHUNK = 1 << 18


def archive(
    assembled: Assembled, names: Sequence[str], *, base: IO[bytes] | None, left_out: int, progress: Progress
) -> Iterator[bytes]:
    """An archive of an image, as it is read; its places are all named, whether or not a layer is there.

    Args:
        assembled: the image.
        names: the tags that it gets.
        base: an archive that holds the base's layers; None leaves them out.
        left_out: how many of the image's own layers are left out, the lowest first.
        progress: is told of the own layers.
    """
    own = assembled.layers
    below = len(assembled.base.layers)
    places = [f"{number}.tar" for number in range(below + len(own))]
    if base is not None:
        yield from _base_layers(base, places[:below])
    for place, layer in list(zip(places[below:], own, strict=True))[left_out:]:
        yield from _own_layer(place, layer, progress)
    config = f"{digest_of(assembled.config).partition(':')[2]}.json"
    manifest = json.dumps([{"Config": config, "RepoTags": list(names), "Layers": places}]).encode()
    for name, data in ((config, assembled.config), ("manifest.json", manifest)):
        yield tar.entry(name, tar.FILE, 0o644, len(data)) + data + tar.padding(len(data))
    yield tar.END


def _own_layer(place: str, layer: Layer, progress: Progress) -> Iterator[bytes]:
    transfer = Transfer(layer.name, layer.digest, layer.size)
    progress(transfer)
    with followed(layer.open, transfer, progress)() as file:
        if layer.compression == "zstd":  # which older engines do not read; all of them store what is in it
            with tempfile.TemporaryFile() as plain:
                decompress_zstd(file, plain)
                size = plain.tell()
                plain.seek(0)
                yield from _entry(place, size, plain)
        else:
            yield from _entry(place, layer.size, file)
    progress(replace(transfer, done=layer.size, state="sent"))


def _base_layers(archive: IO[bytes], places: list[str]) -> Iterator[bytes]:
    """The layers of an archive that an engine saved, under other names."""
    archive.seek(0)
    try:
        with tarfile.open(fileobj=archive) as saved:
            listed = saved.extractfile("manifest.json")
            for place, name in zip(places, json.load(listed)[0]["Layers"] if listed else (), strict=True):
                content = saved.extractfile(name)  # follows the links that some engines save equal layers as
                if content is None:
                    raise KeyError(name)
                size = content.seek(0, 2)
                content.seek(0)
                yield from _entry(place, size, content)
    except (tarfile.TarError, LookupError, ValueError) as error:
        raise ImageError(f"the engine saved a base image that cannot be read: {error}", "use another base") from error


def _entry(place: str, size: int, file: BinaryIO | IO[bytes]) -> Iterator[bytes]:
    yield tar.entry(place, tar.FILE, 0o644, size)
    while chunk := file.read(_CHUNK):
        yield chunk
    yield tar.padding(size)
