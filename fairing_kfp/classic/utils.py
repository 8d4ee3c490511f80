"""Fairing's small functions."""

from __future__ import annotations

import re
import uuid
import zlib
from pathlib import Path


def get_image(repository: str, name: str) -> str:
    """The name of an image in a repository."""
    return f"{repository}/{name}"


def is_running_in_k8s() -> bool:
    """Whether this is a pod with the token of a service account."""
    from fairing_kfp.cluster.connect import in_pod

    return in_pod()


def get_current_k8s_namespace() -> str:
    """The namespace of this pod.

    Raises:
        ClusterError: this is not a pod.
    """
    from fairing_kfp.cluster.connect import in_cluster

    return in_cluster().namespace


def get_default_target_namespace() -> str:
    """The namespace of this pod, or that of the kubeconfig's context; `default` without either."""
    from fairing_kfp.cluster.connect import find_config, is_configured

    return find_config()().namespace if is_configured() else "default"


def crc(file_name: str) -> str:
    """The CRC-32 of a file, in hexadecimal digits."""
    return f"{zlib.crc32(Path(file_name).read_bytes()):X}"


def random_tag() -> str:
    """A random tag."""
    return uuid.uuid4().hex[:8]


def camel_to_snake(name: str) -> str:
    """`CamelCase` as `snake_case`."""
    name = re.sub("(.)([A-Z][a-z]+)", r"\1_\2", name)
    return re.sub("([a-z0-9])([A-Z])", r"\1_\2", name).lower()
