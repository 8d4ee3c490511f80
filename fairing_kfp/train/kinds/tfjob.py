"""TFJob of Kubeflow Training Operator 1."""

from __future__ import annotations

from fairing_kfp.cluster.rbac import FOLLOWED
from fairing_kfp.cluster.rule import Rule
from fairing_kfp.train.kinds.training_operator import OperatorJob

KIND = OperatorJob(
    kind="TFJob",
    container="tensorflow",
    framework="tensorflow",
    rule=Rule("kubeflow.org", "tfjobs", FOLLOWED),
    replicas_field="tfReplicaSpecs",
    extra_fields=lambda spec: {"successPolicy": "AllWorkers"},
)
