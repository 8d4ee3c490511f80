"""Backends: defaults for a cluster, and for the cloud that it runs in."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from fairing_kfp.classic.builders.append.append import AppendBuilder
from fairing_kfp.classic.builders.base_builder import BaseBuilder
from fairing_kfp.classic.cloud import aws, azure, gcp
from fairing_kfp.classic.constants import constants
from fairing_kfp.classic.deployers.gcp.gcp import GCPJob
from fairing_kfp.classic.deployers.job.job import Job
from fairing_kfp.classic.deployers.serving.serving import Serving
from fairing_kfp.classic.work.deprecation import refuse, warn_unused
from fairing_kfp.classic.work.here import LocalPlace
from fairing_kfp.errors import ConfigError
from fairing_kfp.settings import Settings

Mutators = Sequence[Callable[..., Any]]
_NO_STORE = "images are pushed from this machine, or built in the cluster with set_builder('cluster')"
_INSTALLED = "requirements.txt is installed whenever it is among input_files"


class BackendInterface:
    """Defaults for a cluster: builder, deployers, base image and registry."""

    def get_builder(self, preprocessor: Any, base_image: str | None, registry: str | None) -> Any:
        """The builder of images.

        Args:
            preprocessor: what goes into the image.
            base_image: image to build on.
            registry: where the image is pushed.
        """
        raise NotImplementedError

    def get_training_deployer(self, pod_spec_mutators: Mutators | None = None) -> Any:
        """The deployer of jobs.

        Args:
            pod_spec_mutators: functions that change the pods.
        """
        raise NotImplementedError

    def get_serving_deployer(self, model_class: str) -> Any:
        """The deployer of models.

        Args:
            model_class: name of the class with `predict`.
        """
        raise NotImplementedError

    def get_base_contanier(self) -> str | None:
        """The base image: `base_image` in `[tool.fairing-kfp]`, else the official image of this Python version."""
        return Settings.load().base_image or f"python:{sys.version_info[0]}.{sys.version_info[1]}-slim"

    def get_docker_registry(self) -> str | None:
        """The registry: `registry` in `[tool.fairing-kfp]`; None if it is not set."""
        return Settings.load().registry


class KubernetesBackend(BackendInterface):
    """A Kubernetes cluster; Kubeflow Pipelines, if a host is set.

    Args:
        namespace: namespace of jobs and models; that of the kubeconfig's context, or of this pod, by default.
        build_context_source: has no effect any more.
    """

    def __init__(self, namespace: str | None = None, build_context_source: Any = None) -> None:
        warn_unused(type(self).__name__, "build_context_source", build_context_source, None, _NO_STORE)
        self._namespace = namespace

    def get_builder(
        self,
        preprocessor: Any,
        base_image: str | None,
        registry: str | None,
        needs_deps_installation: bool = True,
        pod_spec_mutators: Mutators | None = None,
    ) -> BaseBuilder:
        """The builder of images; see `BackendInterface`.

        Args:
            preprocessor: what goes into the image.
            base_image: image to build on.
            registry: where the image is pushed.
            needs_deps_installation: has no effect any more.
            pod_spec_mutators: has no effect, since images are made on this machine.
        """
        call = f"{type(self).__name__}.get_builder"
        warn_unused(call, "needs_deps_installation", needs_deps_installation, True, _INSTALLED)
        return AppendBuilder(registry=registry, base_image=base_image, preprocessor=preprocessor)

    def get_training_deployer(self, pod_spec_mutators: Mutators | None = None) -> Job:
        """The deployer of jobs; see `BackendInterface`."""
        return Job(self._namespace, pod_spec_mutators=[*(pod_spec_mutators or ()), *self._credentials()])

    def get_serving_deployer(
        self, model_class: str, service_type: str = "ClusterIP", pod_spec_mutators: Mutators | None = None
    ) -> Serving:
        """The deployer of models; see `BackendInterface`.

        Args:
            model_class: name of the class with `predict`.
            service_type: `ClusterIP`, `NodePort` or `LoadBalancer`.
            pod_spec_mutators: functions that change the pods.
        """
        return Serving(model_class, self._namespace, service_type=service_type, pod_spec_mutators=pod_spec_mutators)

    def _credentials(self) -> Mutators:
        """Mutators that give jobs the credentials of the cloud."""
        return ()


class GKEBackend(KubernetesBackend):
    """A cluster of Google Kubernetes Engine; see `KubernetesBackend`."""

    def _credentials(self) -> Mutators:
        return (gcp.add_gcp_credentials_if_exists,)

    def get_docker_registry(self) -> str | None:
        """The registry in the settings, else Artifact Registry of the current project; None if that is unknown."""
        return super().get_docker_registry() or gcp.get_default_docker_registry()


class AWSBackend(KubernetesBackend):
    """A cluster of Amazon EKS; see `KubernetesBackend`. Repositories of Amazon ECR are created if they are missing."""

    def get_builder(
        self,
        preprocessor: Any,
        base_image: str | None,
        registry: str | None,
        needs_deps_installation: bool = True,
        pod_spec_mutators: Mutators | None = None,
    ) -> BaseBuilder:
        """The builder of images; see `KubernetesBackend`."""
        made = super().get_builder(preprocessor, base_image, registry, needs_deps_installation, pod_spec_mutators)
        if registry and aws.is_ecr_registry(registry):
            _, _, path = Settings.load(**made.settings()).repository(constants.DEFAULT_IMAGE_NAME).partition("/")
            aws.create_ecr_registry(registry, path)
        return made

    def _credentials(self) -> Mutators:
        return (aws.add_aws_credentials_if_exists,)


class IBMCloudBackend(KubernetesBackend):
    """A cluster of IBM Cloud; see `KubernetesBackend`.

    Args:
        namespace: see `KubernetesBackend`.
        cos_endpoint_url: has no effect any more.
        build_context_source: has no effect any more.
    """

    def __init__(
        self, namespace: str | None = None, cos_endpoint_url: str | None = None, build_context_source: Any = None
    ) -> None:
        warn_unused(type(self).__name__, "cos_endpoint_url", cos_endpoint_url, None, _NO_STORE)
        super().__init__(namespace, build_context_source)


class AzureBackend(KubernetesBackend):
    """A cluster of Azure Kubernetes Service; see `KubernetesBackend`."""

    def get_builder(
        self,
        preprocessor: Any,
        base_image: str | None,
        registry: str | None,
        needs_deps_installation: bool = True,
        pod_spec_mutators: Mutators | None = None,
    ) -> BaseBuilder:
        """The builder of images; see `KubernetesBackend`.

        Raises:
            ConfigError: the registry is not one of Azure.
        """
        if registry and not azure.is_acr_registry(registry):
            raise ConfigError(
                f"{registry} is not a registry of Azure", "use NAME.azurecr.io, or KubeflowBackend for other registries"
            )
        return super().get_builder(preprocessor, base_image, registry, needs_deps_installation, pod_spec_mutators)


class KubeflowBackend(KubernetesBackend):
    """A cluster with Kubeflow; see `KubernetesBackend`."""


class KubeflowGKEBackend(GKEBackend):
    """A cluster of Google Kubernetes Engine with Kubeflow; see `GKEBackend`."""


class KubeflowAWSBackend(AWSBackend):
    """A cluster of Amazon EKS with Kubeflow; see `AWSBackend`."""


class KubeflowAzureBackend(AzureBackend):
    """A cluster of Azure Kubernetes Service with Kubeflow; see `AzureBackend`."""


class GCPManagedBackend(BackendInterface):
    """Vertex AI, which replaced AI Platform; needs Kubeflow Pipelines.

    Args:
        project_id: Google Cloud project; the current one by default.
        region: region of Vertex AI; `us-central1` by default.
        training_scale_tier: scale tier of AI Platform, for which a machine type of Vertex AI is chosen.
        job_config: see `fairing_kfp.classic.deployers.gcp.gcp.GCPJob`.
        use_stream_logs: whether the log is printed to the end of the job.
    """

    def __init__(
        self,
        project_id: str | None = None,
        region: str | None = None,
        training_scale_tier: str | None = None,
        job_config: Mapping[str, Any] | None = None,
        use_stream_logs: bool = False,
    ) -> None:
        self._job = (project_id, region, training_scale_tier, job_config, use_stream_logs)

    def get_builder(
        self,
        preprocessor: Any,
        base_image: str | None,
        registry: str | None,
        needs_deps_installation: bool = True,
        pod_spec_mutators: Mutators | None = None,
    ) -> BaseBuilder:
        """The builder of images; see `KubernetesBackend`."""
        call = "GCPManagedBackend.get_builder"
        warn_unused(call, "needs_deps_installation", needs_deps_installation, True, _INSTALLED)
        return AppendBuilder(registry=registry, base_image=base_image, preprocessor=preprocessor)

    def get_training_deployer(self, pod_spec_mutators: Mutators | None = None) -> GCPJob:
        """The deployer of jobs; see `BackendInterface`.

        Args:
            pod_spec_mutators: has no effect, since Vertex AI has no pods.
        """
        return GCPJob(*self._job)

    def get_serving_deployer(self, model_class: str, pod_spec_mutators: Mutators | None = None) -> Any:
        """Refused, since AI Platform is retired, and Vertex AI serves no pods."""
        refuse(
            "GCPManagedBackend.get_serving_deployer()",
            "AI Platform Prediction is retired",
            "serve in a cluster: backend=KubeflowGKEBackend(); or upload the model to Vertex AI's Model Registry",
        )

    def get_docker_registry(self) -> str | None:
        """The registry in the settings, else Artifact Registry of the current project; None if that is unknown."""
        return super().get_docker_registry() or gcp.get_default_docker_registry()


class LocalBackend(KubernetesBackend):
    """Runs on this machine, from the layers of the image, without Docker, registry or cluster."""

    def __init__(self) -> None:
        super().__init__()

    def get_training_deployer(self, pod_spec_mutators: Mutators | None = None) -> Job:
        """The deployer of jobs; see `BackendInterface`."""
        made = Job()
        made.place = LocalPlace()
        return made

    def get_serving_deployer(
        self, model_class: str, service_type: str = "ClusterIP", pod_spec_mutators: Mutators | None = None
    ) -> Serving:
        """The deployer of models; see `KubernetesBackend`."""
        made = Serving(model_class, service_type=service_type)
        made.place = LocalPlace()
        return made
