"""A builder that sends nothing: an image's digest is that of its layers, as any builder's depends on them."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest

from fairing_kfp.builders import select
from fairing_kfp.builders.builder import Plan
from fairing_kfp.image.image import AnyImage


class StandInBuilder:
    """Keeps what it was given."""

    def __init__(self) -> None:
        self.published: list[AnyImage] = []

    def check(self, image: AnyImage) -> None:
        """Accepts every image."""

    def plan(self, image: AnyImage) -> Plan:
        return Plan(self._name(image), f"{image.name}-tag", str(image.images[0].base), (), False, 0, 0)

    def publish(self, image: AnyImage) -> str:
        self.published.append(image)
        return self._name(image)

    def close(self) -> None:
        """Does nothing."""

    def _name(self, image: AnyImage) -> str:
        digest = hashlib.sha256(
            "".join(layer.digest for one in image.images for layer in one.layers).encode()
        ).hexdigest()
        return f"registry.example.com/me/project@sha256:{digest}"


def connect(connection: Any, argument: str) -> StandInBuilder:
    """Makes the builder that `--builder stand-in` names."""
    del connection, argument
    return StandInBuilder()


def register(monkeypatch: pytest.MonkeyPatch, *, runs_here: bool = False) -> None:
    """Lets settings name the builder `stand-in`."""
    one = select.BuilderType("stand-in", __name__, needs_registry=False, runs_here=runs_here)
    monkeypatch.setattr(select, "TYPES", (*select.TYPES, one))
