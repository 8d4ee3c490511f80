"""Images built with Podman on this machine."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, NoReturn

from fairing_kfp.classic.builders.docker.docker import DockerBuilder
from fairing_kfp.classic.constants import constants
from fairing_kfp.classic.work.deprecation import refuse, warn_unused

if TYPE_CHECKING:
    from fairing_kfp.classic.preprocessors.base import BasePreProcessor


class PodmanBuilder(DockerBuilder):
    """Builds with Podman on this machine, and pushes from it; see `BaseBuilder`.

    Args:
        tls_verify: has no effect any more.
        executable_path_prefix: has no effect any more.
    """

    name: ClassVar[str] = "podman"

    def __init__(
        self,
        registry: str | None = None,
        image_name: str | None = None,
        base_image: str | None = constants.DEFAULT_BASE_IMAGE,
        preprocessor: BasePreProcessor | None = None,
        push: bool = True,
        dockerfile_path: str | None = None,
        tls_verify: bool = False,
        executable_path_prefix: str | None = None,
    ) -> None:
        trust = "set ca, or insecure for plain HTTP, in [tool.fairing-kfp] of pyproject.toml"
        warn_unused("PodmanBuilder", "tls_verify", tls_verify, False, trust)
        super().__init__(registry, image_name, base_image, preprocessor, push, dockerfile_path, executable_path_prefix)

    def gen_cmd(self, option: str) -> NoReturn:
        """Refused, since the builder speaks with Podman's API."""
        refuse(f"PodmanBuilder.gen_cmd({option!r})", "the builder speaks with Podman's API", "call build()")
