"""Small layers of files in memory."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator

from fairing_kfp.errors import PackError
from fairing_kfp.image.descriptor import digest_of
from fairing_kfp.image.layer import File, Layer
from fairing_kfp.layers import tar
from fairing_kfp.layers.stored_gzip import store


def layer_of_files(name: str, files: Iterable[File]) -> Layer:
    """Packs files into a layer, whose digest depends on the files alone.

    Folders get entries with mode 0755, since some runtimes create missing folders that others cannot read. An entry
    replaces a symbolic link of the base with the same path (such as `lib`), so put the files into their own folder.

    Args:
        name: the layer's name.
        files: the files, in any order.

    Raises:
        PackError: two files have the same path, or a path is not a plain relative path.
    """
    return _layer(name, archive_of_files(name, files))


def archive_of_files(name: str, files: Iterable[File]) -> Iterator[bytes]:
    """A tar archive of files, as for `layer_of_files`.

    Args:
        name: name of the archive, for messages.
        files: the files, in any order.

    Raises:
        PackError: two files have the same path, or a path is not a plain relative path.
    """
    by_path: dict[str, File] = {}
    for file in files:
        if file.path in by_path:
            raise PackError(f"two files of the {name} layer have the path {file.path!r}", "remove one of them")
        by_path[file.path] = file
    if clashes := sorted(by_path.keys() & {parent for path in by_path for parent in tar.parents(path)}):
        raise PackError(f"{clashes[0]!r} is both a file and a folder of the {name} layer", "rename one of them")
    return tar.archive(by_path, lambda path: _entry(by_path[path]))


def layer_of_link(name: str, path: str, target: str) -> Layer:
    """A layer with one symbolic link, which replaces a file or folder of the base with the same path.

    Args:
        name: the layer's name.
        path: the link's path.
        target: what it points to, relative to its folder.

    Raises:
        PackError: the path is not a plain relative path.
    """
    return _layer(name, tar.archive([path], lambda _: [tar.entry(path, tar.SYMLINK, 0o777, target=target)]))


def _layer(name: str, pieces: Iterable[bytes]) -> Layer:
    archive = b"".join(pieces)
    blob = store(archive)
    return Layer(name, digest_of(archive), digest_of(blob), len(blob), lambda: io.BytesIO(blob))


def _entry(file: File) -> Iterator[bytes]:
    yield tar.entry(file.path, tar.FILE, file.mode, len(file.data))
    yield file.data
    yield tar.padding(len(file.data))
