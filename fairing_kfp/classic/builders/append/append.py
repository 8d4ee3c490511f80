"""Layers appended to a base image in a registry, without Docker."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, NoReturn

from fairing_kfp.classic.builders.base_builder import BaseBuilder
from fairing_kfp.classic.constants import constants
from fairing_kfp.classic.work.deprecation import refuse

if TYPE_CHECKING:
    from fairing_kfp.classic.preprocessors.base import BasePreProcessor


class AppendBuilder(BaseBuilder):
    """Appends layers to a base image in a registry, without Docker; see `BaseBuilder`."""

    name: ClassVar[str] = "append"

    def __init__(
        self,
        registry: str | None = None,
        image_name: str | None = None,
        base_image: str | None = constants.DEFAULT_BASE_IMAGE,
        push: bool = True,
        preprocessor: BasePreProcessor | None = None,
    ) -> None:
        super().__init__(registry, image_name, base_image, push, preprocessor)

    def timed_push(self, transport: Any, src: Any, img: Any, dst: Any) -> NoReturn:
        """Refused, since the builder pushes."""
        refuse("AppendBuilder.timed_push", "the builder pushes, and shows the time", "call build()")
