"""Options of the cluster builder, from the settings."""

from __future__ import annotations

import sys
from dataclasses import dataclass

from fairing_kfp.errors import ConfigError
from fairing_kfp.settings import DOCKERFILE, Settings


@dataclass(frozen=True)
class ClusterOptions:
    """Options of the Job.

    Attributes:
        image: its image, which has Python 3.11 or newer.
        namespace: its namespace; empty for the kubeconfig's.
        service_account: its service account; empty for the namespace's default.
        secret: Secret of type `kubernetes.io/dockerconfigjson` with logins for registries; empty for none.
        upload: store that layers go through; empty to send them to the pod.
    """

    image: str
    namespace: str = ""
    service_account: str = ""
    secret: str = ""
    upload: str = ""

    @classmethod
    def of(cls, settings: Settings) -> ClusterOptions:
        """The options in the settings.

        Raises:
            ConfigError: a client certificate is set, which stays on this machine.
        """
        if settings.client_cert:
            raise ConfigError(
                "the builder cluster does not send the client certificate to the cluster",
                "unset client_cert, and use a registry login in cluster_secret",
            )
        base = settings.base_image if settings.base_image and not settings.base_image.startswith(DOCKERFILE) else None
        python = f"python:{sys.version_info[0]}.{sys.version_info[1]}-slim"
        return cls(
            image=settings.cluster_image or settings.own_image or base or python,
            namespace=settings.cluster_namespace or settings.namespace or "",
            service_account=settings.cluster_service_account or settings.service_account or "",
            secret=settings.cluster_secret or "",
            upload=settings.cluster_upload or "",
        )
