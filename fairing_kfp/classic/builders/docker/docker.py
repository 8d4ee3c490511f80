"""Images built in the Docker Engine of this machine."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from fairing_kfp.classic.builders.base_builder import BaseBuilder
from fairing_kfp.classic.constants import constants
from fairing_kfp.classic.work.deprecation import warn_unused

if TYPE_CHECKING:
    from fairing_kfp.classic.preprocessors.base import BasePreProcessor

PREFIX = "packages are layers of wheels, and not installed by a command"


class DockerBuilder(BaseBuilder):
    """Builds in the Docker Engine of this machine, and pushes from it; see `BaseBuilder`.

    Args:
        executable_path_prefix: has no effect any more.
    """

    name: ClassVar[str] = "docker"

    def __init__(
        self,
        registry: str | None = None,
        image_name: str | None = None,
        base_image: str | None = constants.DEFAULT_BASE_IMAGE,
        preprocessor: BasePreProcessor | None = None,
        push: bool = True,
        dockerfile_path: str | None = None,
        executable_path_prefix: str | None = None,
    ) -> None:
        warn_unused(type(self).__name__, "executable_path_prefix", executable_path_prefix, None, PREFIX)
        super().__init__(registry, image_name, base_image, push, preprocessor, dockerfile_path)

    def publish(self) -> str:
        """Pushes the image; returns it by digest."""
        return self.build()

    def settings(self) -> dict[str, Any]:
        """Settings of the project. Without a push, the engine keeps the image."""
        return {**super().settings(), "builder": self.name} | ({} if self.push else {"registry": None})
