"""Where Fairing's calls run: on Kubeflow Pipelines, directly in the current cluster, or on this machine."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, Protocol

from fairing_kfp.errors import ConfigError

if TYPE_CHECKING:
    from fairing_kfp.classic.work.endpoint import EndpointHandle
    from fairing_kfp.classic.work.job import JobHandle
    from fairing_kfp.classic.work.task import ServeTask, TrainTask


class Place(Protocol):
    """A place to run jobs and serve models."""

    logged: bool
    """Whether the result of a function comes back by the log alone."""

    def train(self, task: TrainTask) -> JobHandle:
        """Starts a job.

        Raises:
            FairingError: the job cannot be started.
        """
        ...

    def serve(self, task: ServeTask) -> EndpointHandle:
        """Serves a model, and waits until it is ready.

        Raises:
            FairingError: the model cannot be served.
        """
        ...


def choose(
    namespace: str | None = None,
    *,
    config_file: str | None = None,
    context: str | None = None,
    client_configuration: Any = None,
) -> Place:
    """Chooses where to run: Kubeflow Pipelines if a host is set, else the current cluster.

    Args:
        namespace: namespace of the jobs and models.
        config_file: a kubeconfig. If any of these three is given, its cluster is used.
        context: context of the kubeconfig.
        client_configuration: a `kubernetes.client.Configuration`.

    Raises:
        ConfigError: neither a host nor a cluster is configured.
    """
    from fairing_kfp.cluster.connect import is_configured
    from fairing_kfp.settings import Settings

    chosen = any(one is not None for one in (config_file, context, client_configuration))
    if not chosen and (Settings.load().host or os.environ.get("KF_PIPELINES_ENDPOINT")):
        from fairing_kfp.classic.work.kfp import KfpPlace

        return KfpPlace(namespace)
    if not chosen and not is_configured():
        raise ConfigError(
            "there is neither a host of Kubeflow Pipelines nor a Kubernetes cluster to run in",
            "set FAIRING_KFP_HOST, or host in [tool.fairing-kfp] of pyproject.toml; or name a kubeconfig in "
            "KUBECONFIG; or run on this machine: backend=fairing.backends.LocalBackend() for TrainJob and "
            'PredictionEndpoint, fairing.config.set_deployer("local") for fairing.config',
        )
    from fairing_kfp.classic.work.direct import DirectPlace

    return DirectPlace(namespace, config_file=config_file, context=context, client_configuration=client_configuration)
