"""Bundle artifacts: a folder with files of an image and `bundle.json`, which lists them with their digests.

    bundle.json
    files/train.py
    files/package/model.py
    support/code/run.py

`files` are the user's, and `support` are ours, such as the program that calls a function. Equal files give equal bytes,
and so an equal digest of the bundle.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from fairing_kfp.errors import PackError
from fairing_kfp.image.descriptor import digest_of
from fairing_kfp.image.layer import File
from fairing_kfp.preprocess.bundle import Bundle
from fairing_kfp.preprocess.image_paths import ROOT, WORKING

DESCRIPTION = "bundle.json"
_PLACES = {"files": WORKING, "support": ROOT}
"""The folders of the artifact, which are keys of `bundle.json` too, and the folders in the image."""

_EXECUTABLE = 0o755


@dataclass(frozen=True)
class CodeBundle:
    """The code of a step, before it is an image.

    Attributes:
        name: the step's name.
        files: its files, at paths relative to its folder in the image, in order.
        command: the command that runs it in the image.
        arguments: the arguments that the command accepts, for readers.
        support: files of ours, at paths relative to `opt/fairing` in the image, in order.
    """

    name: str
    files: tuple[File, ...]
    command: tuple[str, ...]
    arguments: tuple[Mapping[str, Any], ...] = ()
    support: tuple[File, ...] = ()

    @property
    def digest(self) -> str:
        """The digest of everything in it."""
        return f"sha256:{hashlib.sha256(_dump(self._described()).encode()).hexdigest()}"

    def image_files(self) -> tuple[File, ...]:
        """The files at their paths in the image, which contain no credentials.

        Raises:
            SecretError: a file seems to contain a credential.
        """
        placed = [
            File(f"{root}/{file.path}", file.data, file.mode)
            for place, root in _PLACES.items()
            for file in self._placed(place)
        ]
        return Bundle(self.name, tuple(sorted(placed, key=lambda file: file.path))).files

    def write(self, folder: Path) -> None:
        """Writes the artifact.

        Args:
            folder: the artifact's folder, which need not exist.
        """
        for place in _PLACES:
            for file in self._placed(place):
                path = folder / place / file.path
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(file.data)
        folder.mkdir(parents=True, exist_ok=True)
        text = _dump({**self._described(), "digest": self.digest})
        (folder / DESCRIPTION).write_text(text, encoding="utf-8")

    @classmethod
    def read(cls, folder: Path) -> CodeBundle:
        """Reads an artifact, and verifies its digests.

        Raises:
            PackError: it is not a bundle, or its content does not match its digests.
        """
        try:
            document = json.loads((folder / DESCRIPTION).read_text(encoding="utf-8"))
            bundle = cls(
                document["name"],
                tuple(_read(folder, "files", entry) for entry in document["files"]),
                tuple(document["command"]),
                tuple(document["arguments"]),
                tuple(_read(folder, "support", entry) for entry in document["support"]),
            )
            expected = document["digest"]
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise PackError(
                f"the artifact in {folder} is not a bundle: {error}", "pass the output bundle of a preprocess component"
            ) from error
        if bundle.digest != expected:
            raise PackError(
                f"the bundle in {folder} has the digest {bundle.digest}, but {DESCRIPTION} has {expected}",
                "run the step that made it again; its files were changed since",
            )
        return bundle

    def _placed(self, place: str) -> tuple[File, ...]:
        return self.files if place == "files" else self.support

    def _described(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "command": list(self.command),
            "arguments": list(self.arguments),
            **{place: [_entry(file) for file in self._placed(place)] for place in _PLACES},
        }


def _entry(file: File) -> dict[str, Any]:
    return {
        "path": file.path,
        "digest": digest_of(file.data),
        "size": len(file.data),
        "executable": file.mode == _EXECUTABLE,
    }


def _read(folder: Path, place: str, entry: Mapping[str, Any]) -> File:
    path = PurePosixPath(entry["path"])
    if path.is_absolute() or ".." in path.parts:
        raise PackError(f"the bundle in {folder} lists {str(path)!r}, which is outside it", "make the bundle again")
    data = (folder / place / path).read_bytes()
    if digest_of(data) != entry["digest"]:
        raise PackError(
            f"the file {path} of the bundle in {folder} has the digest {digest_of(data)}, "
            f"but {DESCRIPTION} has {entry['digest']}",
            "run the step that made it again; its files were changed since",
        )
    return File(str(path), data, _EXECUTABLE if entry["executable"] else 0o644)


def _dump(document: Mapping[str, Any]) -> str:
    return json.dumps(document, indent=1, sort_keys=True, ensure_ascii=False) + "\n"
