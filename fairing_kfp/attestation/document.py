"""Documents that are attached to an image, read leniently: whoever may push to the repository can have written them."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from fairing_kfp.attestation import sbom
from fairing_kfp.errors import InvalidReferenceError
from fairing_kfp.image.manifest import Manifest
from fairing_kfp.image.reference import Reference

Part = Mapping[str, Any]
"""A component of an SBOM, or a resolved dependency of provenance."""

PACKAGE = "pkg:pypi/"
"""What the package URLs of Python packages begin with."""


@dataclass(frozen=True)
class Document:
    """An SBOM or provenance that is attached to an image.

    Attributes:
        manifest: its manifest.
        content: the parsed document.
        data: its bytes.
    """

    manifest: Manifest
    content: Mapping[str, Any] = field(hash=False, repr=False)
    data: bytes = field(repr=False)

    @property
    def subject(self) -> str:
        """The digest of the image that its manifest names; empty if it names none."""
        return str(table(self.manifest.document, "subject").get("digest") or "")

    @property
    def described(self) -> str:
        """The digest of the image that an SBOM describes; empty if it names none."""
        return str(table(table(self.content, "metadata"), "component").get("version") or "")

    @property
    def components(self) -> list[Part]:
        """The components of an SBOM."""
        return list(tables(self.content, "components"))

    @property
    def base(self) -> Reference | None:
        """The base image in an SBOM by digest; None if it names none, or its name is malformed."""
        for part in self.components:
            if part.get("type") == "container":
                with contextlib.suppress(InvalidReferenceError):
                    return Reference.parse(f"{part.get('name')}@{part.get('version')}")
        return None

    @property
    def definition(self) -> Part:
        """The build definition of provenance."""
        return table(table(self.content, "predicate"), "buildDefinition")

    @property
    def dependencies(self) -> list[Part]:
        """The resolved dependencies of provenance."""
        return list(tables(self.definition, "resolvedDependencies"))


def properties(part: Part, name: str) -> list[str]:
    """The values of a property of a component."""
    return [str(one.get("value")) for one in tables(part, "properties") if one.get("name") == name]


def component_files(part: Part) -> tuple[str, ...]:
    """The digests of a component's files, sorted, as `sha256:<hex>`."""
    hashes = [f"sha256:{one.get('content')}" for one in tables(part, "hashes") if one.get("alg") == "SHA-256"]
    return tuple(sorted([*hashes, *properties(part, sbom.ACCEPTED)]))


def dependency_files(part: Part) -> tuple[str, ...]:
    """The digests of a resolved dependency's files, sorted, as `sha256:<hex>`."""
    accepted = table(part, "annotations").get("acceptedFiles")
    digests = [f"{name}:{value}" for name, value in table(part, "digest").items()]
    return tuple(sorted([*digests, *map(str, accepted if isinstance(accepted, list) else ())]))


def table(value: Any, name: str) -> Mapping[str, Any]:
    """The object of a name; empty if there is none."""
    found = value.get(name) if isinstance(value, Mapping) else None
    return found if isinstance(found, dict) else {}


def tables(value: Any, name: str) -> Iterator[Mapping[str, Any]]:
    """The objects in a list of a name."""
    found = value.get(name) if isinstance(value, Mapping) else None
    return (one for one in (found if isinstance(found, list) else ()) if isinstance(one, dict))
