"""Images built in the cluster, for machines that cannot reach the registry."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from fairing_kfp.classic.builders.base_builder import BaseBuilder
from fairing_kfp.classic.builders.cluster.context_source import ContextSourceInterface
from fairing_kfp.classic.builders.docker.docker import PREFIX
from fairing_kfp.classic.constants import constants
from fairing_kfp.classic.work.deprecation import warn_unused

if TYPE_CHECKING:
    from fairing_kfp.classic.preprocessors.base import BasePreProcessor


class ClusterBuilder(BaseBuilder):
    """Builds in the cluster, and fails if the build fails; see `BaseBuilder`.

    Args:
        context_source: has no effect any more.
        pod_spec_mutators: has no effect any more.
        namespace: namespace of the Job; that of the kubeconfig's context, or of this pod, by default.
        cleanup: has no effect any more.
        executable_path_prefix: has no effect any more.
    """

    name: ClassVar[str] = "cluster"

    def __init__(
        self,
        registry: str | None = None,
        image_name: str | None = None,
        context_source: ContextSourceInterface | None = None,
        preprocessor: BasePreProcessor | None = None,
        push: bool = True,
        base_image: str | None = constants.DEFAULT_BASE_IMAGE,
        pod_spec_mutators: Sequence[Callable[..., Any]] | None = None,
        namespace: str | None = None,
        dockerfile_path: str | None = None,
        cleanup: bool = False,
        executable_path_prefix: str | None = None,
    ) -> None:
        call = "ClusterBuilder"
        store = "the builder sends the files to its own pod"
        warn_unused(call, "context_source", context_source, None, store)
        warn_unused(call, "cleanup", cleanup, False, "the builder's objects are always deleted")
        warn_unused(call, "executable_path_prefix", executable_path_prefix, None, PREFIX)
        account = "set cluster_service_account or cluster_secret in [tool.fairing-kfp] of pyproject.toml"
        warn_unused(call, "pod_spec_mutators", pod_spec_mutators, None, account)
        self.namespace = namespace
        super().__init__(registry, image_name, base_image, push, preprocessor, dockerfile_path)

    def settings(self) -> dict[str, Any]:
        """Settings of the project; the Job runs in the base image."""
        base = None if self.dockerfile_path else self.base_image
        return {**super().settings(), "base_image": base, "cluster_namespace": self.namespace}
