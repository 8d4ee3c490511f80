"""PyTorchJob of Kubeflow Training Operator 1."""

from __future__ import annotations

from fairing_kfp.cluster.rbac import FOLLOWED
from fairing_kfp.cluster.rule import Rule
from fairing_kfp.train.kinds.training_operator import OperatorJob

KIND = OperatorJob(
    kind="PyTorchJob",
    container="pytorch",
    framework="torch",
    rule=Rule("kubeflow.org", "pytorchjobs", FOLLOWED),
    replicas_field="pytorchReplicaSpecs",
    extra_fields=lambda spec: {"nprocPerNode": str(spec.processes or 1)},
)
