"""The SBOM of an image: CycloneDX 1.6 as JSON, by CycloneDX's own library."""

from __future__ import annotations

import json
import os
import uuid
from collections.abc import Iterator
from datetime import datetime, timezone
from importlib import metadata
from typing import TYPE_CHECKING, Any

from fairing_kfp.attestation import purl
from fairing_kfp.errors import UnavailableError
from fairing_kfp.image.descriptor import digest_of, dump

if TYPE_CHECKING:
    from cyclonedx.model.component import Component

    from fairing_kfp.attestation.contents import ImageContents, LayerContents, Package
    from fairing_kfp.image.assemble import AssembledIndex
    from fairing_kfp.image.reference import Reference

MEDIA_TYPE = "application/vnd.cyclonedx+json"
"""The type of an SBOM."""

LAYER = "fairing-kfp:layer"
"""Name of the property that names the layer of a component by digest."""

LAYER_NAME = "fairing-kfp:layer-name"
"""Name of the property that names the layer by its name, such as `runtime`."""

ACCEPTED = "fairing-kfp:accepted-file"
"""Name of the property with the digests of a package's files of which one is installed, if they are several."""

EPOCH = "SOURCE_DATE_EPOCH"
_NAMESPACE = uuid.UUID("6ba7b811-9dad-11d1-80b4-00c04fd430c8")  # of URLs (RFC 9562)


def check_library() -> None:
    """Checks that CycloneDX's library is installed.

    Raises:
        UnavailableError: it is not.
    """
    try:
        import cyclonedx  # noqa: F401
    except ImportError:
        raise UnavailableError(
            "SBOMs need the package cyclonedx-python-lib, which is not installed", "pip install 'fairing-kfp[sbom]'"
        ) from None


def make_sbom(reference: Reference, index: AssembledIndex, contents: ImageContents) -> bytes:
    """The SBOM of an image. Equal images give equal bytes: it has no time, unless SOURCE_DATE_EPOCH sets one.

    Args:
        reference: the image by digest.
        index: the image.
        contents: the contents of its layers.

    Raises:
        UnavailableError: CycloneDX's library is not installed.
        ConfigError: SOURCE_DATE_EPOCH is not a number of seconds.
    """
    check_library()
    from cyclonedx.model.bom import Bom
    from cyclonedx.model.bom_ref import BomRef
    from cyclonedx.model.component import Component, ComponentType
    from cyclonedx.output.json import JsonV1Dot6

    image = Component(
        name=contents.name,
        type=ComponentType.CONTAINER,
        version=reference.digest,
        bom_ref=BomRef(purl.of_image(reference)),
        **_identity(purl.of_image(reference), [reference.digest or ""]),
    )
    base = index.images[0].base.reference
    parts = [
        Component(
            name=base.name,
            type=ComponentType.CONTAINER,
            version=base.digest,
            bom_ref=BomRef(purl.of_image(base)),
            **_identity(purl.of_image(base), [base.digest or ""]),
        ),
        *_components(contents),
    ]
    bom = Bom(components=parts)
    bom.metadata.component = image
    bom.metadata.tools.components.add(
        Component(name="fairing-kfp", version=metadata.version("fairing-kfp"), type=ComponentType.APPLICATION)
    )
    bom.register_dependency(image, parts)
    return _reproducible(json.loads(JsonV1Dot6(bom).output_as_string()), reference.digest or "")


def _components(contents: ImageContents) -> Iterator[Component]:
    from cyclonedx.model import HashAlgorithm, HashType, Property
    from cyclonedx.model.bom_ref import BomRef
    from cyclonedx.model.component import Component, ComponentType

    for package, layer in contents.packages():
        several = package.hashes if len(package.hashes) > 1 else ()
        url = purl.of_package(package.name, package.version)
        yield Component(
            name=package.name,
            version=package.version,
            type=ComponentType.LIBRARY,
            bom_ref=BomRef(f"{url}#{layer.digest}"),
            licenses=_licenses(package),
            properties=[*_place(layer), *(Property(name=ACCEPTED, value=one) for one in several)],
            **_identity(url, () if several else package.hashes),
        )
    for one in contents.layers:
        if one.packages:
            continue
        files = [
            Component(
                name=f"/{file.path}",
                type=ComponentType.FILE,
                bom_ref=BomRef(f"{one.digest}/{file.path}"),
                hashes=[HashType(alg=HashAlgorithm.SHA_256, content=digest_of(file.data).partition(":")[2])],
            )
            for file in one.files
        ]
        yield Component(
            name=f"{contents.name}: {one.name}",
            type=ComponentType.APPLICATION,
            bom_ref=BomRef(one.digest),
            properties=_place(one),
            components=files,
        )


def _place(layer: LayerContents) -> list[Any]:
    from cyclonedx.model import Property

    return [Property(name=LAYER, value=layer.digest), Property(name=LAYER_NAME, value=layer.name)]


def _identity(url: str, digests: Any) -> dict[str, Any]:
    from cyclonedx.model import HashAlgorithm, HashType
    from packageurl import PackageURL

    hashes = [HashType(alg=HashAlgorithm.SHA_256, content=one.partition(":")[2]) for one in digests]
    return {"purl": PackageURL.from_string(url), "hashes": hashes}


def _licenses(package: Package) -> list[Any]:
    from cyclonedx.contrib.license.factories import LicenseFactory

    factory = LicenseFactory()
    if len(package.licenses) == 1:
        return [factory.make_from_string(package.licenses[0])]
    return [factory.make_with_name(name) for name in package.licenses]


def _reproducible(document: dict[str, Any], subject: str) -> bytes:
    """The document without the time of its creation, and with a serial number that depends on its content."""
    document["metadata"].pop("timestamp", None)
    if epoch := source_date():
        document["metadata"]["timestamp"] = epoch
    document.pop("serialNumber", None)
    serial = uuid.uuid5(_NAMESPACE, f"{subject} {digest_of(dump(document))}")
    return dump({**document, "serialNumber": f"urn:uuid:{serial}"})


def source_date() -> str | None:
    """The time in SOURCE_DATE_EPOCH, in RFC 3339; None if it is not set.

    Raises:
        ConfigError: it is not a number of seconds.
    """
    text = os.environ.get(EPOCH)
    if not text:
        return None
    from fairing_kfp.errors import ConfigError

    try:
        return datetime.fromtimestamp(int(text), timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
    except (ValueError, OverflowError, OSError):
        raise ConfigError(f"{EPOCH}={text!r} is not a time", "set it to a number of seconds since 1970") from None
