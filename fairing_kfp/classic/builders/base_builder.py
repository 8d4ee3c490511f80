"""What all builders share."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from fairing_kfp.classic.constants import constants
from fairing_kfp.classic.work.deprecation import warn_once
from fairing_kfp.errors import ConfigError
from fairing_kfp.pipeline.lock_place import NAME
from fairing_kfp.settings import DOCKERFILE, Settings

if TYPE_CHECKING:
    from fairing_kfp.classic.preprocessors.base import BasePreProcessor

_CONTAINER = "model"
_RETIRED = re.compile(r"(?:[a-z]+\.)?gcr\.io(?:/|$)")
_FAIRINGS_IMAGES = ("gcr.io/kubeflow-images-public/", "gcr.io/kubeflow-fairing/")


@dataclass(frozen=True)
class Built:
    """What a pod specification of a builder was made from.

    Attributes:
        builder: the builder.
        preprocessor: its preprocessor.
    """

    builder: BaseBuilder
    preprocessor: BasePreProcessor

    @classmethod
    def of(cls, pod_spec: Any) -> Built:
        """What a pod specification was made from.

        Raises:
            ConfigError: no builder made it.
        """
        found = getattr(pod_spec, "fairing_kfp_built", None)
        if not isinstance(found, cls):
            raise ConfigError(
                "deploy() takes the pod specification of a builder, and this is none",
                "pass builder.generate_pod_spec(); change the pods with pod_spec_mutators",
            )
        return found


class BaseBuilder:
    """Makes an image and stores it.

    Args:
        registry: where images are pushed, such as `registry.example.com/me`; `registry` in `[tool.fairing-kfp]` by
            default.
        image_name: repository below the registry.
        base_image: image to build on; `base_image` in `[tool.fairing-kfp]` by default, else the official Python image.
        push: whether the image is pushed. If not, the engine keeps it; without an engine, nothing is sent.
        preprocessor: what goes into the image.
        dockerfile_path: a Dockerfile that makes the base image.

    Attributes:
        image_tag: the image by digest, once it is built.
    """

    name: ClassVar[str] = "append"
    """Name in the settings; see `builder` of `fairing_kfp.Settings`."""

    def __init__(
        self,
        registry: str | None = None,
        image_name: str | None = None,
        base_image: str | None = constants.DEFAULT_BASE_IMAGE,
        push: bool = True,
        preprocessor: BasePreProcessor | None = None,
        dockerfile_path: str | None = None,
    ) -> None:
        _check_retired(registry, base_image)
        self.registry = registry
        self.image_name = image_name
        self.base_image = base_image or None
        self.push = push
        self.preprocessor = preprocessor
        self.dockerfile_path = dockerfile_path
        self.image_tag: str | None = None

    def build(self) -> str:
        """Makes the image of a job, and pushes it. An image that exists is not sent again.

        Returns:
            The image by digest, which is also in `image_tag`.

        Raises:
            ConfigError: there is no preprocessor, or no registry is set.
            FairingError: the image cannot be made or pushed.
        """
        from fairing_kfp.classic.work.publish import publish

        component = self._source().component(self.options())
        (self.image_tag,) = publish(component, self.settings(), pulled=False).images.values()
        return self.image_tag

    def generate_pod_spec(self, image: str | None = None) -> Any:
        """The specification of a pod with the image, for a deployer; changes to it apply to the pods.

        Args:
            image: shown in the specification; by default the image by digest, once it is built.

        Returns:
            A `kubernetes.client.V1PodSpec`.

        Raises:
            ConfigError: there is no preprocessor.
        """
        from kubernetes.client import V1Container, V1PodSpec

        made = V1PodSpec(containers=[V1Container(name=_CONTAINER, image=image or self.image_tag)])
        made.fairing_kfp_built = Built(self, self._source())
        return made

    def full_image_name(self, tag: str) -> str:
        """The name of the image with a tag.

        Args:
            tag: the tag.

        Raises:
            ConfigError: no registry is set.
        """
        return f"{Settings.load(**self.settings()).repository(constants.DEFAULT_IMAGE_NAME)}:{tag}"

    def options(self) -> dict[str, Any]:
        """Options of the image; see `fairing_kfp.ImageOptions`."""
        base = f"{DOCKERFILE}{self.dockerfile_path}" if self.dockerfile_path else self.base_image
        return {"base_image": _absolute(base)} if base else {}

    def settings(self) -> dict[str, Any]:
        """Settings of the project; see `fairing_kfp.Settings`. The lock file is in the current folder by default."""
        loaded = Settings.load()
        return {
            "registry": self.registry,
            "project": self.image_name or loaded.project or constants.DEFAULT_IMAGE_NAME,
            "builder": self.name if self.push else "dry-run",
            "lock": loaded.lock or str(Path.cwd() / NAME),
        }

    def _source(self) -> BasePreProcessor:
        if self.preprocessor is None:
            raise ConfigError(
                f"{type(self).__name__} has no preprocessor", f"pass one: {type(self).__name__}(preprocessor=…)"
            )
        return self.preprocessor


def _check_retired(registry: str | None, base_image: str | None) -> None:
    """Warns of Google's Container Registry, and refuses images that were published for Fairing.

    Raises:
        ConfigError: the base image is one of those.
    """
    if registry and _RETIRED.match(registry):
        project = registry.partition("/")[2].partition("/")[0] or "PROJECT"
        warn_once(
            "registry",
            registry,
            f"registry={registry!r}: Google's Container Registry is shut down, and its names work only for projects "
            f"that moved to Artifact Registry; use us-docker.pkg.dev/{project}/REPOSITORY",
        )
    if base_image and base_image.startswith(_FAIRINGS_IMAGES):
        raise ConfigError(
            f"the base image {base_image} was published for Fairing, and is not any more",
            "leave base_image out for the official Python image, and list packages in requirements.txt",
        )


def author_pod(pod_spec: Any) -> Mapping[str, Any]:
    """What an author added to the pod specification of a builder; its only container is the first.

    Args:
        pod_spec: a `kubernetes.client.V1PodSpec`.
    """
    from kubernetes.client import ApiClient

    with ApiClient() as client:
        pod: dict[str, Any] = client.sanitize_for_serialization(pod_spec)
    first, *others = pod["containers"]
    own = {key: value for key, value in first.items() if key != "image"}
    return {**pod, "containers": [{**own, "name": "main"}, *others]}


def _absolute(base: str) -> str:
    """A base image, with the path of a Dockerfile made absolute."""
    path = base.removeprefix(DOCKERFILE)
    return f"{DOCKERFILE}{Path(path).absolute()}" if path != base else base
