"""Base images in an engine. It reports neither manifest nor config; both are reconstructed from `docker inspect`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from fairing_kfp.image.base import Base
from fairing_kfp.image.descriptor import OCI_CONFIG, OCI_LAYER, OCI_MANIFEST, Descriptor, digest_of, dump
from fairing_kfp.image.manifest import Manifest
from fairing_kfp.image.platform import Platform
from fairing_kfp.image.reference import Reference

# The settings of a config in image-spec. Engines also report settings of containers.
_SETTINGS = frozenset(
    {
        "ArgsEscaped",
        "Cmd",
        "Entrypoint",
        "Env",
        "ExposedPorts",
        "Healthcheck",
        "Labels",
        "OnBuild",
        "Shell",
        "StopSignal",
        "User",
        "Volumes",
        "WorkingDir",
    }
)


@dataclass(frozen=True)
class EngineBase:
    """A base image in an engine.

    Attributes:
        id: its id in the engine.
        base: the reconstructed base; its layers have their diff IDs as digests, since engines report no others.
        diff_ids: the diff IDs of its layers, lowest first.
    """

    id: str
    base: Base
    diff_ids: tuple[str, ...]

    @classmethod
    def of(cls, inspected: Mapping[str, Any], reference: Reference) -> EngineBase:
        """The base with some details.

        Times are left out: engines invent one for an image without a time, and the id would change with it.

        Args:
            inspected: the output of `docker inspect`.
            reference: the base's reference.
        """
        diff_ids = tuple(map(str, inspected["RootFS"].get("Layers") or ()))
        settings = inspected.get("Config") or {}
        config = dump(
            {
                "architecture": inspected["Architecture"],
                "os": inspected["Os"],
                **({"variant": inspected["Variant"]} if inspected.get("Variant") else {}),
                "config": {name: value for name, value in settings.items() if name in _SETTINGS and value},
                "rootfs": {"type": "layers", "diff_ids": list(diff_ids)},
                "history": [{"created_by": "base"} for _ in diff_ids],
            }
        )
        manifest = {
            "schemaVersion": 2,
            "mediaType": OCI_MANIFEST,
            "config": Descriptor(OCI_CONFIG, digest_of(config), len(config)).document(),
            "layers": [Descriptor(OCI_LAYER, diff_id, 0).document() for diff_id in diff_ids],
        }
        return cls(str(inspected["Id"]), Base(reference, Manifest(dump(manifest)), config), diff_ids)


def is_for(inspected: Mapping[str, Any], platform: Platform) -> bool:
    """Whether an image is for a platform, according to `docker inspect`."""
    return platform.matches(Platform(inspected["Os"], inspected["Architecture"], inspected.get("Variant") or ""))
