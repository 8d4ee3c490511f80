"""What preprocess components share: the source, the files of it that are packed, and the result."""

from __future__ import annotations

import contextlib
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

from fairing_kfp.components.code_bundle import CodeBundle
from fairing_kfp.components.declaration import Input, Output, StepInputs, StepResult
from fairing_kfp.errors import ComponentError, ConfigError
from fairing_kfp.image.layer import File
from fairing_kfp.preprocess.arguments.argument import Argument
from fairing_kfp.preprocess.files.selection import Selection

EXCLUDE = Input("exclude", "list", "Patterns of files to leave out, as in an ignore file.", default=[])

OUTPUTS = (
    Output("bundle", "artifact", "Folder with the files and `bundle.json`."),
    Output("digest", "str", "Digest of the bundle."),
)

IGNORES = (
    "Equal files give an equal digest, whoever packs them. Files that `.dockerignore` or `.fairingignore` in the "
    "source list are left out, and so are caches, virtual environments and files of credentials; a file that seems to "
    "contain a credential fails the step."
)
"""A part of the details in READMEs."""

_SHOWN = 50  # files in the report


def source_path(component: str, name: str, text: str, suffix: str, kind: str) -> PurePosixPath:
    """The path in an input, relative to the source.

    Args:
        component: the component's name, for messages.
        name: the input.
        text: its value.
        suffix: the suffix that the path must have.
        kind: the kind of file, for messages.

    Raises:
        ConfigError: it is absolute, outside of the source, or has another suffix.
    """
    place = PurePosixPath(text)
    if place.is_absolute() or ".." in place.parts or place.suffix != suffix:
        raise ConfigError(
            f"{component}: {name}={text!r} is not the path of a {kind} within the source",
            f"write a relative path, such as train{suffix} or package/train{suffix}",
        )
    return place


@contextlib.contextmanager
def source_folder(component: str, given: StepInputs, place: PurePosixPath) -> Iterator[Path]:
    """The folder of the source: the artifact, or a temporary folder with the file or text at a path.

    Args:
        component: the component's name, for messages.
        given: the inputs, among them `source` and `text`.
        place: the path of a source that is one file.

    Raises:
        ConfigError: not exactly one source is given.
    """
    source, text = given.artifacts.get("source"), given.values["text"]
    if (source is None) == (not text):
        raise ConfigError(f"{component} needs exactly one source", "set either source or text")
    if source is not None and source.is_dir():
        yield source
        return
    with tempfile.TemporaryDirectory(prefix="fairing-source-") as scratch:
        path = Path(scratch, place)
        path.parent.mkdir(parents=True, exist_ok=True)
        if source is None:
            path.write_text(text, encoding="utf-8")
        else:
            shutil.copyfile(source, path)
        yield Path(scratch)


def source_file(component: str, root: Path, place: PurePosixPath, kind: str) -> Path:
    """A file of the source.

    Raises:
        ComponentError: there is no such file.
    """
    path = root / place
    if not path.is_file():
        known = [one.relative_to(root).as_posix() for one in sorted(root.rglob(f"*{place.suffix}"))[:10]]
        raise ComponentError(
            f"{component}: there is no {kind} {place} in the source",
            f"the source contains {', '.join(known) or f'no file *{place.suffix}'}",
        )
    return path


def packed_files(root: Path, exclude: list[str], path: Path, below: str = ".") -> dict[str, Path]:
    """The files of a source to pack, by their paths in the bundle.

    Args:
        root: the folder of the source; its ignore files apply.
        exclude: patterns of files to leave out.
        path: the file with the code, which is packed in any case.
        below: the folder of the source whose files are packed, relative to `root`.

    Raises:
        PackError: a file cannot be packed.
    """
    found = Selection(root, (below,), tuple(exclude)).files()
    found[path.relative_to(root).as_posix()] = path.resolve()
    return {PurePosixPath(place).relative_to(below).as_posix(): one for place, one in sorted(found.items())}


def described(argument: Argument) -> Mapping[str, Any]:
    """An argument, as bundles list it."""
    return {
        "name": argument.shown,
        "type": argument.kind.__name__,
        "required": argument.required,
        "default": argument.default,
        "help": argument.help,
    }


def packed(given: StepInputs, bundle: CodeBundle, shown: str, sources: Sequence[File], **parameters: Any) -> StepResult:
    """Writes the bundle, and gives the result of the step.

    Args:
        given: the inputs.
        bundle: the bundle.
        shown: the packed code, for the verdict.
        sources: the user's files in it.
        parameters: further output parameters.

    Raises:
        SecretError: a file seems to contain a credential; nothing is written.
    """
    bundle.image_files()  # scanned before anything is written
    bundle.write(given.outputs["bundle"])
    size = sum(len(file.data) for file in sources)
    names = [str(argument["name"]) for argument in bundle.arguments]
    return StepResult(
        f"{shown} is packed with {len(sources)} file{'s' if len(sources) > 1 else ''}",
        (
            ("command", " ".join(bundle.command)),
            ("arguments", ", ".join(names) or "none that can be read"),
            ("digest", bundle.digest),
            ("size", f"{size:,} bytes"),
            *(("file", file.path) for file in sources[:_SHOWN]),
        ),
        {"digest": bundle.digest, **parameters},
        {"bundle": {"digest": bundle.digest}},
    )
