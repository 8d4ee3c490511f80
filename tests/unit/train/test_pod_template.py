"""The pod template of jobs."""

from __future__ import annotations

import copy
from typing import Any

from fairing_kfp.cluster.mutators import (
    composed,
    environment,
    image_pull_secret,
    mount_claim,
    non_root,
    resources,
    run_as_root,
    service_account,
)
from fairing_kfp.train.pod_template import ANNOTATION, pod_template
from fairing_kfp.train.spec import JobSpec

UNSET: dict[str, Any] = {
    **dict.fromkeys(("affinity", "tolerations", "nodeSelector", "env", "volumes", "volumeMounts")),
    "resources": {},
}
TASK = {
    "affinity": {"nodeAffinity": {}},
    "tolerations": [{"key": "gpu", "operator": "Exists"}],
    "nodeSelector": {"pool": "gpu"},
    "env": [{"name": "A", "value": "of the task"}, {"name": "B", "value": "of the task"}],
    "volumes": [{"name": "data", "persistentVolumeClaim": {"claimName": "data"}}],
    "volumeMounts": [{"name": "data", "mountPath": "/data"}],
    "resources": {"limits": {"memory": "1Gi", "cpu": "1"}, "requests": {"cpu": "1"}},
}


def made(task: dict[str, Any] = UNSET, *mutators: Any, **spec: Any) -> dict[str, Any]:
    pod = composed(*mutators)({"containers": [{"name": "main"}]})
    described = JobSpec("job", "train", "r/i@sha256:0", pod=pod, **spec)
    before = copy.deepcopy((described, task))
    found = pod_template(described, "node", {"fairing-kfp/run": "r"}, "verifier", task)
    assert (described, task) == before
    return found


def test_pod_runs_the_image_as_a_node() -> None:
    template = made()
    spec, (container,) = template["spec"], template["spec"]["containers"]
    assert (container["name"], container["image"]) == ("node", "r/i@sha256:0")
    assert container["command"][-1] == "--node"
    assert {"name": "FAIRING_PORT", "value": "9473"} in container["env"]
    assert spec["automountServiceAccountToken"] is False
    mounts = {mount["mountPath"]: mount for mount in container["volumeMounts"]}
    assert set(mounts) == {"/run/fairing", "/gcs", "/minio", "/s3"}
    assert mounts["/run/fairing"]["readOnly"]
    (downward,) = [volume["downwardAPI"] for volume in spec["volumes"] if "downwardAPI" in volume]
    assert downward["items"] == [
        {"fieldRef": {"fieldPath": f"metadata.annotations['{ANNOTATION}']"}, "path": "verifier"}
    ]
    assert set(spec) == {"automountServiceAccountToken", "containers", "securityContext", "volumes"}


def test_pod_meets_the_restricted_standard_unless_a_mutator_loosens_it() -> None:
    spec = made()["spec"]
    assert (spec["securityContext"]["runAsNonRoot"], spec["securityContext"]["runAsUser"]) == (True, 65532)
    assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    restricted = {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}
    assert spec["containers"][0]["securityContext"] == restricted
    loose = made(UNSET, run_as_root())["spec"]
    assert loose["securityContext"].items() >= {"runAsNonRoot": False, "runAsUser": 0}.items()
    assert loose["containers"][0]["securityContext"] == {
        "allowPrivilegeEscalation": True,
        "capabilities": {"drop": []},
    }


def test_own_labels_take_precedence_over_the_authors() -> None:
    wanted = {"team": "a", "fairing-kfp/run": "mine", "sidecar.istio.io/inject": "true"}
    metadata = made(labels=wanted, annotations={**wanted, ANNOTATION: "mine"})["metadata"]
    assert metadata["labels"] == {"team": "a", "fairing-kfp/run": "r", "sidecar.istio.io/inject": "false"}
    assert metadata["annotations"][ANNOTATION] == "verifier"
    assert metadata["annotations"]["sidecar.istio.io/inject"] == "false"


def test_settings_of_the_task_arrive() -> None:
    spec = made(TASK)["spec"]
    (container,) = spec["containers"]
    for key in ("affinity", "tolerations", "nodeSelector"):
        assert spec[key] == TASK[key]
    assert spec["volumes"][-1] == TASK["volumes"][0]
    assert container["volumeMounts"][-1] == TASK["volumeMounts"][0]
    assert container["resources"] == TASK["resources"]
    assert container["env"][1:] == TASK["env"]


def test_mutators_take_precedence_over_the_task() -> None:
    mutators = (
        resources(memory="2Gi"),
        environment({"A": "mine"}),
        mount_claim("more", "/more"),
        image_pull_secret("pull"),
        service_account("trainer", token=True),
        non_root(1000),
    )
    spec = made(TASK, *mutators)["spec"]
    (container,) = spec["containers"]
    assert container["resources"] == {
        "limits": {"memory": "2Gi", "cpu": "1"},
        "requests": {"cpu": "1", "memory": "2Gi"},
    }
    assert {one["name"]: one["value"] for one in container["env"]} == {
        "FAIRING_PORT": "9473",
        "A": "mine",
        "B": "of the task",
    }
    assert {"/data", "/more", "/minio"} <= {mount["mountPath"] for mount in container["volumeMounts"]}
    assert (spec["serviceAccountName"], spec["automountServiceAccountToken"]) == ("trainer", True)
    assert spec["imagePullSecrets"] == [{"name": "pull"}]
    assert spec["securityContext"]["runAsUser"] == 1000
    assert container["command"][-1] == "--node"
