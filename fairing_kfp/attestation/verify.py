"""Checks that an image, its SBOM and its provenance agree."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from fairing_kfp.attestation import provenance, sbom
from fairing_kfp.attestation.attached import AttestedImage, read_layers
from fairing_kfp.attestation.document import (
    PACKAGE,
    Document,
    component_files,
    dependency_files,
    properties,
    tables,
)
from fairing_kfp.errors import ImageError, RegistryError
from fairing_kfp.image.reference import Reference
from fairing_kfp.registry.client import RegistryClient

State = Literal["ok", "failed", "absent", "unread"]
"""Of a check: `absent` for what an image need not have, `unread` if what it compares with cannot be read."""

_ATTEST = "compile again with --attest"
_WRONG = "do not use the image: somebody changed it or what is attached to it"


@dataclass(frozen=True)
class Check:
    """The result of a check.

    Attributes:
        name: what is checked.
        state: the result.
        detail: what was found.
        remedy: what to do; empty if it is ok.
    """

    name: str
    state: State
    detail: str
    remedy: str = ""


def verify(image: AttestedImage, client: RegistryClient) -> Iterator[Check]:
    """Checks an image. Signatures are only looked for; cosign verifies them.

    Args:
        image: the image.
        client: reads the base image.

    Raises:
        ImageError: a document is malformed.
    """
    if not image.layers:
        yield Check("image", "failed", f"{image.reference} is for no platform", _WRONG)
        return
    yield Check("image", "ok", f"{image.reference}, for {', '.join(map(str, image.layers))}")
    yield from _sboms(image, client)
    yield from _provenances(image)
    yield _signatures(image)


def _sboms(image: AttestedImage, client: RegistryClient) -> Iterator[Check]:
    if not image.sboms:
        yield Check("SBOM", "failed", "none is attached", _ATTEST)
    for one in image.sboms:
        if one.subject != image.reference.digest or one.described != image.reference.digest:
            yield Check("SBOM", "failed", "it is about another image", _WRONG)
            continue
        packages = sum(part.get("type") == "library" for part in one.components)
        yield Check("SBOM", "ok", f"{packages} packages, {one.manifest.digest}")
        named = {text for part in one.components for text in properties(part, sbom.LAYER)}
        yield from _layers(image, named, one.base, client)


def _layers(image: AttestedImage, named: set[str], base: Reference | None, client: RegistryClient) -> Iterator[Check]:
    """Checks that the image is its base and the layers in its SBOM, and nothing else."""
    if base is None:
        yield Check("base image", "failed", "the SBOM names none", _WRONG)
        return
    try:
        below: Mapping[Any, tuple[str, ...]] = read_layers(base, image.layers, client)
    except (RegistryError, ImageError) as error:
        yield Check("base image", "unread", f"{base} cannot be read: {error.message}", error.remedy)
        return
    for platform, layers in image.layers.items():
        count = len(below[platform])
        if layers[:count] != below[platform]:
            yield Check("base image", "failed", f"the lowest layers for {platform} are not those of {base}", _WRONG)
            return
        unknown = [digest for digest in layers[count:] if digest not in named]
        if unknown:
            yield Check("layers", "failed", f"the SBOM lacks {', '.join(unknown)}", _WRONG)
            return
    missing = named.difference(*image.layers.values())
    if missing:
        yield Check("layers", "failed", f"the image lacks {', '.join(sorted(missing))} of the SBOM", _WRONG)
        return
    yield Check("base image", "ok", f"{base} is below {len(named)} layers")
    yield Check("layers", "ok", "the SBOM names all")


def _provenances(image: AttestedImage) -> Iterator[Check]:
    if not image.provenances:
        yield Check("provenance", "failed", "none is attached", _ATTEST)
    for one in image.provenances:
        yield _provenance(image, one)
        yield from (_packages(one, other) for other in image.sboms)
        yield _source(one)


def _provenance(image: AttestedImage, one: Document) -> Check:
    name = "provenance"
    subjects = {digest for part in tables(one.content, "subject") for digest in dependency_files(part)}
    if one.subject != image.reference.digest or not image.manifests <= subjects:
        return Check(name, "failed", "it is about another image", _WRONG)
    kinds = one.content.get("predicateType"), one.definition.get("buildType")
    if kinds != (provenance.PREDICATE, provenance.BUILD_TYPE):
        return Check(name, "failed", f"its build type is {kinds[1]!r}", _WRONG)
    built = {
        digest for part in one.dependencies if part.get("name") == provenance.BASE for digest in dependency_files(part)
    }
    if {base.digest for other in image.sboms if (base := other.base)} - built:
        return Check(name, "failed", "it names another base image than the SBOM", _WRONG)
    return Check(name, "ok", one.manifest.digest)


def _packages(one: Document, other: Document) -> Check:
    """Compares the packages of provenance and SBOM: names, versions and digests of files."""
    built = {(str(part.get("uri")), dependency_files(part)) for part in one.dependencies}
    listed = {(str(part.get("purl")), component_files(part)) for part in other.components}
    differing = {url for url, _ in built ^ listed if url.startswith(PACKAGE)}
    if differing:
        names = ", ".join(sorted(url.removeprefix(PACKAGE) for url in differing))
        return Check("packages", "failed", f"SBOM and provenance differ in {names}", _WRONG)
    count = sum(url.startswith(PACKAGE) for url, _ in listed)
    return Check("packages", "ok", f"SBOM and provenance name the same {count} by version and digest")


def _source(one: Document) -> Check:
    for part in one.dependencies:
        if part.get("name") == provenance.SOURCE:
            uri = part.get("uri", "a repository without a remote")
            for revision in dependency_files(part):
                return Check("source", "ok", f"{uri} at {revision.removeprefix('gitCommit:')}")
            return Check("source", "absent", f"{uri}, with changes that are not committed", "commit, and compile again")
    return Check("source", "absent", "no revision of a git repository")


def _signatures(image: AttestedImage) -> Check:
    if not image.unsigned:
        return Check("signatures", "ok", "all are signed; cosign verify says by whom")
    count = 1 + len(image.sboms) + len(image.provenances)
    detail = f"{len(image.unsigned)} of {count} are not signed: who can push to the repository can replace them"
    return Check("signatures", "absent", detail, "cosign sign $(fairing-kfp verify --unsigned IMAGE)")
