"""What components were made of, and the placeholders that stand for their images until a pipeline is compiled."""

from __future__ import annotations

import hashlib
import re
import sys
import typing
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from fairing_kfp.errors import ComponentError

if typing.TYPE_CHECKING:
    from fairing_kfp.kubernetes_secrets import SecretKey
    from fairing_kfp.preprocess.bundle import Bundle, Code

PLACEHOLDER = "fairing://compile-with-fairing-kfp/"
_KEY_LENGTH = 12


@dataclass(frozen=True)
class ComponentSource:
    """What a component was made of: all that is needed to make its image.

    Attributes:
        key: 12 hexadecimal digits from module, qualified name and ordinal, never from content.
        name: its name in KFP, in image tags and in messages.
        code: what its step runs.
    """

    key: str
    name: str
    code: Code
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
    platforms: tuple[str, ...] = ()
    python_version: str | None = None
    tag: str | None = None
    builder: str | None = None

    @property
    def placeholder(self) -> str:
        """The image name that stands in the pipeline until it is compiled by fairing-kfp."""
        return f"{PLACEHOLDER}{self.name}-{self.key}"

    def bundle(self) -> Bundle:
        """Packs its code, and reads the files that it places in its image.

        Raises:
            PackError: one of them cannot be packed.
        """
        packed = self.code.bundle(self.name)
        if not self.files:
            return packed
        from fairing_kfp.preprocess.placed import placed

        return replace(packed, placed=placed(self.files, self.code.folder))


_sources: dict[str, ComponentSource] = {}
_PLACEHOLDER_PATTERN = re.compile(re.escape(PLACEHOLDER) + r"[a-z0-9-]+-([0-9a-f]{12})(?![0-9a-f])")


def placeholders(text: str) -> dict[str, ComponentSource]:
    """The placeholders in a text and the components they stand for, in order of first appearance."""
    found = {match.group(0): _sources.get(match.group(1)) for match in _PLACEHOLDER_PATTERN.finditer(text)}
    for placeholder, source in found.items():
        if source is None:
            raise ComponentError(
                f"the image {placeholder} stands for a component that this process has not defined",
                "compile the pipeline in the process that defines its components, not from YAML",
            )
    return typing.cast("dict[str, ComponentSource]", found)


def register(source: ComponentSource) -> None:
    """Lets the component be found by its placeholder."""
    _sources[source.key] = source


def components() -> list[ComponentSource]:
    """The components that this process has defined."""
    return list(_sources.values())


def home_of(plain: typing.Any) -> str:
    """The importable name of the module that defines a function or class."""
    from fairing_kfp.preprocess.modules import canonical_name

    home = plain.__module__ or "__main__"
    return canonical_name(home, getattr(sys.modules.get(home), "__file__", None))


def new_key(module: str, name: str) -> str:
    """A key for a component that no other has; the same in every process.

    Args:
        module: the importable name of the module that defines the component.
        name: what it is called there.
    """
    for ordinal in range(len(_sources) + 1):
        text = f"{module}\0{name}\0{ordinal}"
        key = hashlib.sha256(text.encode()).hexdigest()[:_KEY_LENGTH]
        if key not in _sources:
            return key
    raise AssertionError("more keys than components")
