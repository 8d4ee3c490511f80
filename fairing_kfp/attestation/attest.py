"""The SBOM and the provenance of a published image, as artifacts to attach to it."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import TYPE_CHECKING

from fairing_kfp.attestation import provenance, sbom
from fairing_kfp.attestation.provenance import Build, make_provenance
from fairing_kfp.attestation.sbom import make_sbom
from fairing_kfp.image.artifact import Artifact, Referrer

if TYPE_CHECKING:
    from fairing_kfp.attestation.contents import ImageContents
    from fairing_kfp.attestation.source import SourceTree
    from fairing_kfp.image.assemble import AssembledIndex
    from fairing_kfp.image.reference import Reference

OURS = "fairing-kfp.attestation"
"""Annotation of our artifacts, whose value is the version of their form."""

_FORM = "1"
_KEY = "org.opencontainers.image."  # image-spec, annotations.md, pre-defined annotation keys
_REVISION = f"{_KEY}revision"


def missing(listed: Iterable[Referrer], tree: SourceTree) -> frozenset[str]:
    """The types of the artifacts that an image lacks.

    The first provenance stays: later builds of an unchanged image add none, except that of a clean working tree to
    one without a revision.

    Args:
        listed: the referrers of the image.
        tree: the working tree.
    """
    ours = [one for one in listed if is_ours(one)]
    found = {one.artifact_type for one in ours if one.artifact_type == sbom.MEDIA_TYPE}
    if any(_REVISION in one.annotations or not tree.revision for one in ours if _is_provenance(one)):
        found.add(provenance.MEDIA_TYPE)
    return frozenset({sbom.MEDIA_TYPE, provenance.MEDIA_TYPE} - found)


def make_artifacts(
    types: Collection[str], reference: Reference, index: AssembledIndex, contents: ImageContents, build: Build
) -> list[Artifact]:
    """Makes some of the artifacts of an image.

    Args:
        types: their types.
        reference: the image by digest.
        index: the image.
        contents: the contents of its layers.
        build: how it was built.

    Raises:
        UnavailableError: CycloneDX's library is not installed.
        ConfigError: SOURCE_DATE_EPOCH is not a number of seconds.
    """
    artifacts, annotations = [], _annotations(index, build)
    if sbom.MEDIA_TYPE in types:
        artifacts.append(Artifact(sbom.MEDIA_TYPE, make_sbom(reference, index, contents), annotations))
    if provenance.MEDIA_TYPE in types:
        source = {f"{_KEY}source": build.tree.uri.removeprefix("git+"), _REVISION: build.tree.revision}
        known = {name: text for name, text in source.items() if text}
        statement = make_provenance(reference, index, contents, build)
        artifacts.append(Artifact(provenance.MEDIA_TYPE, statement, annotations | known))
    return artifacts


def is_ours(referrer: Referrer) -> bool:
    """Whether fairing-kfp made an artifact, according to itself."""
    return OURS in referrer.annotations


def _is_provenance(referrer: Referrer) -> bool:
    return referrer.artifact_type == provenance.MEDIA_TYPE


def _annotations(index: AssembledIndex, build: Build) -> dict[str, str]:
    base, epoch = index.images[0].base.reference, sbom.source_date()
    return {
        OURS: _FORM,
        f"{_KEY}base.name": str(build.parameters.get("base") or base.name),
        f"{_KEY}base.digest": base.digest or "",
        **({f"{_KEY}created": epoch} if epoch else {}),
    }
