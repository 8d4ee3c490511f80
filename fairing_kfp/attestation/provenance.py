"""The provenance of an image: an in-toto statement with SLSA's predicate (slsa.dev, provenance v1)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from importlib import metadata
from typing import TYPE_CHECKING, Any

from fairing_kfp.attestation import purl
from fairing_kfp.attestation.sbom import source_date
from fairing_kfp.attestation.source import SourceTree
from fairing_kfp.image.descriptor import dump

if TYPE_CHECKING:
    from fairing_kfp.attestation.contents import ImageContents
    from fairing_kfp.image.assemble import AssembledIndex
    from fairing_kfp.image.reference import Reference

MEDIA_TYPE = "application/vnd.in-toto+json"
"""The type of a statement."""

STATEMENT = "https://in-toto.io/Statement/v1"
PREDICATE = "https://slsa.dev/provenance/v1"
BUILD_TYPE = "pkg:pypi/fairing-kfp#image/v1"
"""How images are built; `docs/attestations.md` describes its parameters."""

BUILDER = "pkg:pypi/fairing-kfp#append"
"""The builder: fairing-kfp on the machine of whoever ran it, which nothing attests unless the statement is signed."""

SOURCE = "source"
"""Name of the resolved dependency that is the git repository."""

BASE = "base image"
"""Name of the resolved dependency that is the base image."""


@dataclass(frozen=True)
class Build:
    """How an image was built.

    Attributes:
        parameters: what the author chose, as JSON values: component, entry, packages, base and others.
        tree: the working tree.
    """

    parameters: Mapping[str, Any] = field(default_factory=dict, hash=False)
    tree: SourceTree = field(default_factory=SourceTree)


def make_provenance(reference: Reference, index: AssembledIndex, contents: ImageContents, build: Build) -> bytes:
    """The provenance of an image. Equal builds give equal bytes: it has no time, unless SOURCE_DATE_EPOCH sets one.

    Args:
        reference: the image by digest.
        index: the image; the manifests of its platforms are subjects, too.
        contents: the contents of its layers.
        build: how it was built.

    Raises:
        ConfigError: SOURCE_DATE_EPOCH is not a number of seconds.
    """
    digests = dict.fromkeys((index.digest, *(image.digest for image in index.images)))
    base = index.images[0].base.reference
    dependencies = [
        {"name": BASE, "uri": purl.of_image(base), "digest": _digest(base.digest or "")},
        *_packages(contents),
        *_source(build.tree),
    ]
    epoch = source_date()
    statement = {
        "_type": STATEMENT,
        "subject": [{"name": reference.name, "digest": _digest(digest)} for digest in digests],
        "predicateType": PREDICATE,
        "predicate": {
            "buildDefinition": {
                "buildType": BUILD_TYPE,
                "externalParameters": dict(build.parameters),
                "internalParameters": {"workingTree": build.tree.state},
                "resolvedDependencies": dependencies,
            },
            "runDetails": {
                "builder": {"id": BUILDER, "version": {"fairing-kfp": metadata.version("fairing-kfp")}},
                **({"metadata": {"finishedOn": epoch}} if epoch else {}),
            },
        },
    }
    return dump(statement)


def _packages(contents: ImageContents) -> Iterator[dict[str, Any]]:
    """The packages, each once, by the digest of its file, or with those of which one is installed."""
    for package in sorted({package for package, _ in contents.packages()}):
        uri = purl.of_package(package.name, package.version)
        if len(package.hashes) == 1:
            yield {"uri": uri, "digest": _digest(package.hashes[0])}
        elif package.hashes:
            yield {"uri": uri, "annotations": {"acceptedFiles": list(package.hashes)}}
        else:
            yield {"uri": uri}


def _source(tree: SourceTree) -> Iterator[dict[str, Any]]:
    """The repository: at its revision if the tree is clean, else only its address, since no revision has its files."""
    found = {"uri": tree.uri} if tree.uri else {}
    if tree.revision:
        yield {"name": SOURCE, **found, "digest": {"gitCommit": tree.revision}}
    elif tree.uri:
        yield {"name": SOURCE, **found, "annotations": {"workingTree": tree.state}}


def _digest(text: str) -> dict[str, str]:
    algorithm, _, value = text.partition(":")
    return {algorithm: value}
