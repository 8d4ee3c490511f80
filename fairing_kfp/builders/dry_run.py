"""A builder that only plans: it returns the references that another builder would give, and sends nothing."""

from __future__ import annotations

from fairing_kfp.builders.builder import Builder, Plan
from fairing_kfp.builders.single_flight import SingleFlight
from fairing_kfp.errors import ImageError
from fairing_kfp.image.image import AnyImage


class DryRunBuilder:
    """Wraps another builder, and only calls its `plan`.

    Args:
        builder: the builder that plans; it is not closed.
    """

    def __init__(self, builder: Builder) -> None:
        self._builder = builder
        self._plans: SingleFlight[Plan] = SingleFlight()

    def check(self, image: AnyImage) -> None:
        """Plans the image, since the other builder's check may pull a base."""
        self.plan(image)

    def plan(self, image: AnyImage) -> Plan:
        """The other builder's plan."""
        return self._plans.get(image, lambda: self._builder.plan(image))

    def publish(self, image: AnyImage) -> str:
        """The reference that the image would get.

        Raises:
            ImageError: the reference depends on a base that has to be pulled or built first.
        """
        plan = self.plan(image)
        if any(layer.state in ("pull", "build") for layer in plan.layers):
            raise ImageError(
                f"the reference of {image.name} is unknown until the engine has its base {plan.base}",
                "let the engine pull or build the base, or do not use dry-run",
            )
        return plan.reference

    def close(self) -> None:
        """Does nothing."""
