"""The SBOMs and provenance that are attached to an image, read from its registry."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from fairing_kfp.attestation import provenance, sbom
from fairing_kfp.attestation.attest import is_ours
from fairing_kfp.attestation.document import Document
from fairing_kfp.errors import ImageError
from fairing_kfp.image.artifact import Referrer
from fairing_kfp.image.base import Base
from fairing_kfp.image.descriptor import Descriptor, load
from fairing_kfp.image.manifest import Manifest
from fairing_kfp.image.platform import Platform
from fairing_kfp.image.reference import Reference
from fairing_kfp.registry.auth import pull
from fairing_kfp.registry.client import RegistryClient
from fairing_kfp.registry.referrers import Referrers, fallback_tag
from fairing_kfp.registry.repository import Repository

_MAX_DOCUMENT = 64 << 20  # bytes
_MAX_REFERRERS = 200
_SIGNATURES = ("dev.sigstore.bundle", "dev.cosign", "cncf.notary")
"""Parts of the types of signatures: of cosign's bundles, which may also be statements, and of Notation."""

_PREDICATE = "dev.sigstore.bundle.predicateType"
_SIGNED = "https://sigstore.dev/cosign/sign/v1"
"""The predicate of a bundle that is a signature of an image."""


@dataclass(frozen=True)
class AttestedImage:
    """An image with what is attached to it.

    Attributes:
        reference: the image by digest.
        layers: the digests of its layers, lowest first, by platform.
        manifests: the digests of its manifests; of its own and of its platforms'.
        sboms: its SBOMs by fairing-kfp.
        provenances: its provenance by fairing-kfp.
        unsigned: the image and the documents that have no signature, by digest.
    """

    reference: Reference
    layers: Mapping[Platform, tuple[str, ...]] = field(hash=False)
    manifests: frozenset[str]
    sboms: tuple[Document, ...]
    provenances: tuple[Document, ...]
    unsigned: tuple[Reference, ...]


def read_attested(reference: Reference, client: RegistryClient) -> AttestedImage:
    """Reads an image's manifests, and the documents that are attached to it.

    Raises:
        NotFoundError: the image does not exist.
        RegistryError: something cannot be read.
        ImageError: it is malformed.
    """
    repository = _repository(reference, client)
    root = repository.manifest(reference.wanted)
    image = reference.with_digest(root.digest)
    platforms = dict(_platforms(image, root, repository))
    referrers = Referrers(repository)
    listed = referrers.of(root.digest)
    documents = list(_documents(listed, repository))
    unsigned = [] if _is_signed(root.digest, listed, repository) else [image]
    for one in documents:
        digest = one.manifest.digest
        if not _is_signed(digest, referrers.of(digest), repository):
            unsigned.append(image.with_digest(digest))
    return AttestedImage(
        image,
        {platform: tuple(entry.digest for entry in one.entries) for platform, one in platforms.items()},
        frozenset({root.digest, *(one.digest for one in platforms.values())}),
        tuple(one for one in documents if one.manifest.document.get("artifactType") == sbom.MEDIA_TYPE),
        tuple(one for one in documents if one.manifest.document.get("artifactType") == provenance.MEDIA_TYPE),
        tuple(unsigned),
    )


def read_layers(reference: Reference, platforms: Mapping[Platform, Any], client: RegistryClient) -> dict[Platform, Any]:
    """The digests of the layers of a base image, lowest first, by platform.

    Raises:
        RegistryError: it cannot be read.
        ImageError: it is malformed, or does not support a platform.
    """
    repository = _repository(reference, client)
    root = repository.manifest(reference.wanted)
    found = {}
    for platform in platforms:
        one = repository.manifest(root.select(reference, platform).digest) if root.is_index else root
        found[platform] = tuple(entry.digest for entry in one.entries)
    return found


def _repository(reference: Reference, client: RegistryClient) -> Repository:
    return Repository(client, reference.registry, reference.repository, frozenset({pull(reference.repository)}))


def _platforms(image: Reference, root: Manifest, repository: Repository) -> Iterator[tuple[Platform, Manifest]]:
    if not root.is_index:
        yield Base(image, root, repository.blob(root.config.digest)).platform, root
        return
    for entry in root.entries:
        if entry.platform:
            yield entry.platform, repository.manifest(entry.digest)


def _documents(listed: list[Referrer], repository: Repository) -> Iterator[Document]:
    """The documents that say to be ours; a registry may leave the annotations out of its list."""
    if len(listed) > _MAX_REFERRERS:
        raise ImageError(f"the image has more than {_MAX_REFERRERS} referrers", "delete those that are not needed")
    for one in listed:
        if one.artifact_type not in (sbom.MEDIA_TYPE, provenance.MEDIA_TYPE, ""):
            continue
        manifest = repository.manifest(one.descriptor.digest)
        if is_ours(Referrer.of(manifest)) and len(manifest.entries) == 1:
            data = _read(manifest.entries[0], repository)
            yield Document(manifest, load(data, "attached document"), data)


def _read(entry: Descriptor, repository: Repository) -> bytes:
    if entry.size > _MAX_DOCUMENT:
        raise ImageError(f"a document of {entry.size} bytes is attached to the image", "delete it")
    with repository.open_blob(entry.digest, entry.size) as file:
        return file.read()


def _is_signed(digest: str, listed: list[Referrer], repository: Repository) -> bool:
    """Whether there is a signature of a manifest; nothing is said about whose."""
    for one in listed:
        is_signature = any(part in one.artifact_type for part in _SIGNATURES)
        if is_signature and one.annotations.get(_PREDICATE, _SIGNED) == _SIGNED:
            return True
    return repository.head(f"{fallback_tag(digest)}.sig") is not None
