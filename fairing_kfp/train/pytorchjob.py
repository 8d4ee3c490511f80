"""PyTorchJob of Kubeflow's Training Operator 1."""

from __future__ import annotations

from fairing_kfp.train.replicas import ReplicaJob

WORKLOAD = ReplicaJob(
    kind="PyTorchJob",
    container="pytorch",
    replicas="pytorchReplicaSpecs",
    own=lambda order: {"nprocPerNode": str(order.processes or 1)},
)
