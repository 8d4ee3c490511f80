"""A base image as an engine tells of it: neither its manifest nor its config, but what both would say."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from fairing_kfp.image.base import Base
from fairing_kfp.image.descriptor import OCI_CONFIG, OCI_LAYER, OCI_MANIFEST, Descriptor, digest_of, dump
from fairing_kfp.image.manifest import Manifest
from fairing_kfp.image.platform import Platform
from fairing_kfp.image.reference import Reference

# What image-spec knows of a config's settings; the other fields that engines tell are those of a container.
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
        id: the engine's name for it.
        base: what is known of it; its layers go by their diff ids, as the engine knows no other digests.
        diff_ids: its layers, the lowest first.
    """

    id: str
    base: Base
    diff_ids: tuple[str, ...]

    @classmethod
    def of(cls, told: Mapping[str, Any], reference: Reference) -> EngineBase:
        """Reads what an engine told.

        No time is taken over: engines make one up where an image has none, and with it the id would change.

        Args:
            told: the answer to `docker inspect`.
            reference: what the base is to be called.
        """
        diff_ids = tuple(map(str, told["RootFS"].get("Layers") or ()))
        settings = told.get("Config") or {}
        config = dump(
            {
                "architecture": told["Architecture"],
                "os": told["Os"],
                **({"variant": told["Variant"]} if told.get("Variant") else {}),
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
        return cls(str(told["Id"]), Base(reference, Manifest(dump(manifest)), config), diff_ids)


def is_for(told: Mapping[str, Any], platform: Platform) -> bool:
    """Whether the image that an engine tells of is for a platform."""
    return platform.matches(Platform(told["Os"], told["Architecture"], told.get("Variant") or ""))
