"""Backends: defaults for a cluster, and for the cloud that it runs in."""

from fairing_kfp.classic.backends.backends import (
    AWSBackend,
    AzureBackend,
    BackendInterface,
    GCPManagedBackend,
    GKEBackend,
    IBMCloudBackend,
    KubeflowAWSBackend,
    KubeflowAzureBackend,
    KubeflowBackend,
    KubeflowGKEBackend,
    KubernetesBackend,
    LocalBackend,
)

__all__ = [
    "AWSBackend",
    "AzureBackend",
    "BackendInterface",
    "GCPManagedBackend",
    "GKEBackend",
    "IBMCloudBackend",
    "KubeflowAWSBackend",
    "KubeflowAzureBackend",
    "KubeflowBackend",
    "KubeflowGKEBackend",
    "KubernetesBackend",
    "LocalBackend",
]
