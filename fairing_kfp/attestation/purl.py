"""Package URLs, which name packages and images in SBOMs and provenance."""

from __future__ import annotations

from urllib.parse import quote

from fairing_kfp.image.reference import Reference


def of_package(name: str, version: str) -> str:
    """The package URL of a Python distribution."""
    return f"pkg:pypi/{quote(name, safe='')}@{quote(version, safe='')}"


def of_image(reference: Reference) -> str:
    """The package URL of an image by digest."""
    name = reference.repository.rpartition("/")[2]
    return f"pkg:oci/{name}@{quote(reference.digest or '', safe='')}?repository_url={quote(reference.name, safe='/:')}"
