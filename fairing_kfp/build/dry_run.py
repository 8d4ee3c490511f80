"""A builder that only plans: images get the names that another builder would give them, and nothing is sent."""

from __future__ import annotations

from fairing_kfp.build.builder import Builder, Plan
from fairing_kfp.build.once import Once
from fairing_kfp.errors import ImageError
from fairing_kfp.image.multi_image import Recipe


class DryRunBuilder:
    """Stands before another builder and lets nothing through but questions.

    Args:
        builder: whose plans are given out.
    """

    def __init__(self, builder: Builder) -> None:
        self._builder = builder
        self._plans: Once[Plan] = Once()

    def check(self, image: Recipe) -> None:
        """Plans; the other builder's own check may fetch a base."""
        self.plan(image)

    def plan(self, image: Recipe) -> Plan:
        """What the other builder would do."""
        return self._plans.get(image, lambda: self._builder.plan(image))

    def publish(self, image: Recipe) -> str:
        """The name that the image would get.

        Raises:
            ImageError: it cannot be known before its base is fetched or built.
        """
        plan = self.plan(image)
        if any(layer.state in ("pull", "build") for layer in plan.layers):
            raise ImageError(
                f"what the image of {image.name} will be called is known when the engine has its base {plan.base}",
                "let the engine pull or build it, or leave dry-run out",
            )
        return plan.reference
