"""TFJob of Kubeflow's Training Operator 1."""

from __future__ import annotations

from fairing_kfp.train.replicas import ReplicaJob

WORKLOAD = ReplicaJob(
    kind="TFJob",
    container="tensorflow",
    replicas="tfReplicaSpecs",
    own=lambda order: {"successPolicy": "AllWorkers"},
)
