"""Archives for `docker load`: layers, a config and `manifest.json` (https://github.com/moby/docker-image-spec)."""

from __future__ import annotations

import json
import tarfile
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import IO, BinaryIO

from fairing_kfp.builders.progress import Progress, Transfer, with_progress
from fairing_kfp.errors import ImageError
from fairing_kfp.image.assemble import AssembledImage
from fairing_kfp.image.descriptor import digest_of
from fairing_kfp.image.layer import Layer
from fairing_kfp.layers import tar
from fairing_kfp.layers.compression import decompress_zstd

_CHUNK = 1 << 18


def archive(
    assembled: AssembledImage, names: Sequence[str], *, base: IO[bytes] | None, skip: int, progress: Progress
) -> Iterator[bytes]:
    """The archive of an image. Its `manifest.json` lists all layers, whether or not the archive contains them.

    Args:
        assembled: the image.
        names: references with tags, for the engine to give to the image.
        base: an archive that contains the base's layers; None leaves them out.
        skip: number of the image's own layers to leave out, lowest first.
        progress: called with the image's own layers.
    """
    own = assembled.layers
    base_count = len(assembled.base.layers)
    paths = [f"{number}.tar" for number in range(base_count + len(own))]
    if base is not None:
        yield from _base_layers(base, paths[:base_count])
    for path, layer in list(zip(paths[base_count:], own, strict=True))[skip:]:
        yield from _own_layer(path, layer, progress)
    config = f"{digest_of(assembled.config).partition(':')[2]}.json"
    manifest = json.dumps([{"Config": config, "RepoTags": list(names), "Layers": paths}]).encode()
    for path, data in ((config, assembled.config), ("manifest.json", manifest)):
        yield tar.entry(path, tar.FILE, 0o644, len(data)) + data + tar.padding(len(data))
    yield tar.END


def _own_layer(path: str, layer: Layer, progress: Progress) -> Iterator[bytes]:
    transfer = Transfer(layer.name, layer.digest, layer.size)
    progress(transfer)
    with with_progress(layer.open, transfer, progress)() as file:
        if layer.compression == "zstd":  # older engines cannot decompress it, and all store layers uncompressed
            with tempfile.TemporaryFile() as plain:
                decompress_zstd(file, plain)
                size = plain.tell()
                plain.seek(0)
                yield from _entry(path, size, plain)
        else:
            yield from _entry(path, layer.size, file)
    progress(replace(transfer, done=layer.size, state="sent"))


def _base_layers(archive: IO[bytes], paths: list[str]) -> Iterator[bytes]:
    """The layers of an archive that an engine saved, under new paths."""
    archive.seek(0)
    try:
        with tarfile.open(fileobj=archive) as saved:
            listed = saved.extractfile("manifest.json")
            for path, name in zip(paths, json.load(listed)[0]["Layers"] if listed else (), strict=True):
                content = saved.extractfile(name)  # follows links: some engines save equal layers as links
                if content is None:
                    raise KeyError(name)
                size = content.seek(0, 2)
                content.seek(0)
                yield from _entry(path, size, content)
    except (tarfile.TarError, LookupError, ValueError) as error:
        raise ImageError(f"cannot read the base image that the engine saved: {error}", "use another base") from error


def _entry(path: str, size: int, file: BinaryIO | IO[bytes]) -> Iterator[bytes]:
    yield tar.entry(path, tar.FILE, 0o644, size)
    while chunk := file.read(_CHUNK):
        yield chunk
    yield tar.padding(size)
