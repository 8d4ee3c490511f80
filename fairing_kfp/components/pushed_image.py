"""Images that components append to their bases and push."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from fairing_kfp.builders.append import AppendBuilder
from fairing_kfp.builders.builder import Plan
from fairing_kfp.cache.store import Cache
from fairing_kfp.image.image import AnyImage
from fairing_kfp.image.reference import Reference
from fairing_kfp.registry.client import RegistryClient


@dataclass(frozen=True)
class PushedImage:
    """A pushed image.

    Attributes:
        reference: the image by digest.
        plan: what was sent.
    """

    reference: str
    plan: Plan

    @property
    def sent(self) -> str:
        """What was sent, for the report."""
        return "nothing; the image exists" if self.plan.exists else f"{self.plan.bytes_to_send:,} bytes"


def push_image(
    image: AnyImage, target: Reference, cache: Cache, client: RegistryClient, log: Callable[[str], None]
) -> PushedImage:
    """Pushes an image; sends only what the registry lacks.

    Raises:
        ImageError: the image does not fit its base.
        RegistryError: it cannot be pushed.
    """
    builder = AppendBuilder(target, cache=cache, client=client)
    try:
        plan = builder.plan(image)
        log(f"building {plan.tag} in {target.name} on {plan.base}")
        return PushedImage(builder.publish(image), plan)
    finally:
        builder.close()
