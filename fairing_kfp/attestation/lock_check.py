"""Checks that the packages in an SBOM are those of a lock file."""

from __future__ import annotations

from pathlib import Path

from fairing_kfp.attestation import sbom
from fairing_kfp.attestation.attached import AttestedImage
from fairing_kfp.attestation.contents import OWN_LAYERS
from fairing_kfp.attestation.document import PACKAGE, component_files, properties
from fairing_kfp.attestation.verify import Check
from fairing_kfp.dependencies.lock_file import read, read_bases

_NAME = "lock"


def check_lock(image: AttestedImage, path: Path) -> Check:
    """Compares versions and files of packages, and the base image, with those of a lock file.

    Packages that a release of fairing-kfp brings, such as those of a predictor's server, are in no lock file.

    Args:
        image: the image.
        path: the lock file.

    Raises:
        LockError: the file cannot be read, or is malformed.
    """
    locked = {
        (f"{name}@{pin.version}", tuple(sorted(pin.hashes)))
        for entry in read(path).values()
        for name, pin in entry.pins.items()
    }
    found = {
        (str(part.get("purl")).removeprefix(PACKAGE), component_files(part))
        for one in image.sboms
        for part in one.components
        if str(part.get("purl")).startswith(PACKAGE) and not {*properties(part, sbom.LAYER_NAME)} & {*OWN_LAYERS}
    }
    if others := sorted({name for name, _ in found - locked}):
        return Check(_NAME, "failed", f"{path} does not lock {', '.join(others)}", "compile again, with this lock file")
    bases = {base.digest for base in read_bases(path).values()}
    if bases and any(one.base is None or one.base.digest not in bases for one in image.sboms):
        return Check(_NAME, "failed", f"{path} locks another base image", "compile again, with this lock file")
    return Check(_NAME, "ok", f"{path} locks all {len(found)} packages" + (" and the base image" if bases else ""))
