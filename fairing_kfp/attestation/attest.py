"""Attaches an SBOM and provenance to a published image."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from fairing_kfp.attestation import provenance, sbom
from fairing_kfp.attestation.provenance import Build, make_provenance
from fairing_kfp.attestation.sbom import make_sbom
from fairing_kfp.image.artifact import Artifact, Referrer
from fairing_kfp.registry.referrers import Referrers

if TYPE_CHECKING:
    from fairing_kfp.attestation.contents import ImageContents
    from fairing_kfp.attestation.source import SourceTree
    from fairing_kfp.cache.store import Cache
    from fairing_kfp.image.assemble import AssembledIndex
    from fairing_kfp.image.reference import Reference

OURS = "fairing-kfp.attestation"
"""Annotation of our artifacts, whose value is the version of their form."""

_FORM = "1"
_KEY = "org.opencontainers.image."  # image-spec, annotations.md, pre-defined annotation keys
_REVISION = f"{_KEY}revision"
_RECORD = "attested"
_UNKNOWN = "without a revision"


def attest(
    reference: Reference,
    index: AssembledIndex,
    contents: ImageContents,
    build: Build,
    referrers: Referrers,
    cache: Cache,
) -> bool:
    """Attaches the SBOM and the provenance of an image, unless it has both.

    The first provenance stays: later builds of an unchanged image add none, except that of a clean working tree to
    one without a revision.

    Args:
        reference: the image by digest.
        index: the image.
        contents: the contents of its layers.
        build: how it was built.
        referrers: the referrers in its repository.
        cache: stores which images are attested.

    Returns:
        Whether something was attached.

    Raises:
        UnavailableError: CycloneDX's library is not installed.
        RegistryError: the registry rejects the artifacts.
    """
    revision = build.tree.revision
    has_sbom, found = _found(referrers.of(index.digest))
    complete = has_sbom and found is not None and bool(found or not revision)
    if not complete:
        annotations = _annotations(index, build)
        artifacts = [Artifact(provenance.MEDIA_TYPE, make_provenance(reference, index, contents, build), annotations)]
        if not has_sbom:
            document = make_sbom(reference, index, contents)
            stable = {name: text for name, text in annotations.items() if name not in (_REVISION, f"{_KEY}source")}
            artifacts.insert(0, Artifact(sbom.MEDIA_TYPE, document, stable))
        referrers.attach(index.manifest.descriptor, artifacts)
        found = revision
    cache.put_record(_RECORD, str(reference), found or _UNKNOWN)
    return not complete


def is_known_attested(reference: Reference, tree: SourceTree, cache: Cache) -> bool:
    """Whether this machine knows that an image has all that `attest` would attach.

    Args:
        reference: the image by digest.
        tree: the working tree.
        cache: the cache that `attest` was called with.
    """
    known = cache.record(_RECORD, str(reference))
    return known is not None and (known != _UNKNOWN or not tree.revision)


def is_ours(referrer: Referrer) -> bool:
    """Whether fairing-kfp made an artifact, according to itself."""
    return OURS in referrer.annotations


def _found(listed: Iterable[Referrer]) -> tuple[bool, str | None]:
    """Whether an image has our SBOM, and the revision of our provenance: empty without one, None without provenance."""
    ours = [one for one in listed if is_ours(one)]
    revisions = [one.annotations.get(_REVISION, "") for one in ours if one.artifact_type == provenance.MEDIA_TYPE]
    return any(one.artifact_type == sbom.MEDIA_TYPE for one in ours), max(revisions, default=None)


def _annotations(index: AssembledIndex, build: Build) -> dict[str, str]:
    base = index.images[0].base.reference
    found = {
        OURS: _FORM,
        f"{_KEY}base.name": str(build.parameters.get("base") or base.name),
        f"{_KEY}base.digest": base.digest or "",
        f"{_KEY}source": build.tree.uri.removeprefix("git+"),
        _REVISION: build.tree.revision,
    }
    if epoch := sbom.source_date():
        found[f"{_KEY}created"] = epoch
    return {name: text for name, text in found.items() if text}
