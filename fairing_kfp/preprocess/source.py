"""The sources of components, and the placeholders of their images in a pipeline that is not yet compiled."""

from __future__ import annotations

import hashlib
import re
import sys
import typing
from collections.abc import Mapping, Sequence
from dataclasses import field, replace

from fairing_kfp.errors import ComponentError
from fairing_kfp.frozen import dataclass

if typing.TYPE_CHECKING:
    from fairing_kfp.preprocess.bundle import Bundle, Code
    from fairing_kfp.preprocess.secret_env import SecretKey
    from fairing_kfp.runtime.value_types import ValueType

PLACEHOLDER = "fairing://compile-with-fairing-kfp/"
_KEY_LENGTH = 12

OWN_IMAGE = f"{PLACEHOLDER}own/fairing-kfp"
"""Placeholder of our own image. No component's placeholder has a slash."""

VERTEX_IMAGE = f"{PLACEHOLDER}vertex/fairing-kfp"
"""Placeholder of our own image with Google's clients."""

OWN_IMAGES = {OWN_IMAGE: "", VERTEX_IMAGE: "vertex"}
"""Placeholders of our own images, and the extra that each has installed, see `fairing_kfp.recipe.own_image`."""

AUTHORS_PYTHON = (sys.version_info[0], sys.version_info[1])
"""The Python version that steps are packed for. Pickled code runs in one minor version only."""


@dataclass(frozen=True)
class ComponentSource:
    """The source of a component's image: its code and options.

    Attributes:
        key: 12 hexadecimal digits, derived from module, qualified name and ordinal, not from content.
        name: its name in KFP, in image tags and in messages.
        code: its code.
        types: types of its inputs, except those that KFP reads itself.

    The options are those of `ImageOptions`.
    """

    key: str
    name: str
    code: Code
    types: Mapping[str, ValueType] = field(default_factory=dict)
    base_image: str | None = None
    packages: str | tuple[str, ...] = ()
    extras: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    provided: tuple[str, ...] = ()
    build: bool | None = None
    libc: str | None = None
    env: Mapping[str, str] | None = None
    files: Mapping[str, str] = field(default_factory=dict)
    secrets: Mapping[str, SecretKey] = field(default_factory=dict)
    allow_secrets: tuple[str, ...] = ()
    platforms: tuple[str, ...] = ()
    python_version: str | None = None
    tag: str | None = None
    builder: str | None = None

    @property
    def placeholder(self) -> str:
        """The image name in the pipeline until fairing-kfp compiles it."""
        return f"{PLACEHOLDER}{self.name}-{self.key}"

    def bundle(self, allow: Sequence[str] = ()) -> Bundle:
        """Packs its code, and the files of `files=`.

        Args:
            allow: names, files and fingerprints of what only looks like a credential, in addition to its own.

        Raises:
            PackError: the code or a file cannot be packed.
            SecretError: a value or a file seems to contain a credential.
        """
        packed = self.code.bundle(self.name, (*self.allow_secrets, *allow))
        if self.env:
            from fairing_kfp.preprocess.secrets.scan import scan_named  # loaded by packing, not by declaring

            in_env = (one for name, value in self.env.items() for one in scan_named(f"env= ({name})", name, value))
            packed = replace(packed, found=(*packed.found, *in_env))
        if not self.files:
            return packed
        from fairing_kfp.preprocess.files.extra import extra_files

        return replace(packed, placed=extra_files(self.files, self.code.folder))


_sources: dict[str, ComponentSource] = {}
_PLACEHOLDER_PATTERN = re.compile(re.escape(PLACEHOLDER) + r"[a-z0-9-]+-([0-9a-f]{12})(?![0-9a-f])")


def placeholders(text: str) -> dict[str, ComponentSource]:
    """Finds the placeholders in a text, and their components, in order of first appearance.

    Raises:
        ComponentError: a component is not defined in this process.
    """
    found = {match.group(0): _sources.get(match.group(1)) for match in _PLACEHOLDER_PATTERN.finditer(text)}
    for placeholder, source in found.items():
        if source is None:
            raise ComponentError(
                f"the image {placeholder} belongs to a component that is not defined in this process",
                "compile the pipeline from its Python file, not from YAML",
            )
    return typing.cast("dict[str, ComponentSource]", found)


def register(source: ComponentSource) -> None:
    """Makes a component available by its placeholder."""
    _sources[source.key] = source


def components() -> list[ComponentSource]:
    """The components defined in this process."""
    return list(_sources.values())


def home_of(plain: typing.Any) -> str:
    """The importable name of the module that defines a function or class."""
    from fairing_kfp.preprocess.modules.own import canonical_name

    home = plain.__module__ or "__main__"
    return canonical_name(home, getattr(sys.modules.get(home), "__file__", None))


def new_key(module: str, name: str) -> str:
    """A unique key for a component, the same in every process.

    Args:
        module: the importable name of the module that defines the component.
        name: its name in that module.
    """
    for ordinal in range(len(_sources) + 1):
        text = f"{module}\0{name}\0{ordinal}"
        key = hashlib.sha256(text.encode()).hexdigest()[:_KEY_LENGTH]
        if key not in _sources:
            return key
    raise AssertionError("more keys than components")
