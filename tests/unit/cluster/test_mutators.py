from __future__ import annotations

import copy
from typing import Any

import pytest

from fairing_kfp.cluster.mutators import (
    AMD,
    Mutator,
    composed,
    environment,
    environment_from_secret,
    from_fairing,
    gpu,
    image_pull_secret,
    mount_claim,
    mount_config_map,
    mount_empty,
    mount_secret,
    node_selector,
    non_root,
    resources,
    service_account,
    toleration,
)
from fairing_kfp.errors import ConfigError

SPEC: dict[str, Any] = {"containers": [{"name": "main", "image": "i"}, {"name": "other", "image": "i"}]}
ALL = [
    resources(cpu="1", memory="1Gi"),
    gpu(2, AMD),
    environment({"A": "1"}),
    environment_from_secret("s", {"B": "b"}),
    environment_from_secret("s"),
    mount_claim("data", "/data", read_only=True, sub_path="x"),
    mount_secret("s", "/s"),
    mount_config_map("c", "/c"),
    mount_empty("/dev/shm", memory=True, size="1Gi"),
    node_selector(zone="a"),
    toleration("gpu", effect="NoSchedule"),
    image_pull_secret("pull"),
    service_account("robot"),
    non_root(1000),
]


@pytest.mark.parametrize("mutate", ALL)
def test_mutator_copies_its_argument_and_is_idempotent(mutate: Mutator) -> None:
    before = copy.deepcopy(SPEC)
    once = mutate(SPEC)
    assert before == SPEC
    assert once != SPEC
    assert mutate(once) == once


def test_composed_applies_in_order() -> None:
    spec = composed(*ALL)(SPEC)
    for container in spec["containers"]:
        assert container["resources"] == {
            "requests": {"cpu": "1", "memory": "1Gi", AMD: "2"},
            "limits": {"memory": "1Gi", AMD: "2"},
        }
        assert [variable["name"] for variable in container["env"]] == ["A", "B"]
        assert [mount["mountPath"] for mount in container["volumeMounts"]] == ["/data", "/s", "/c", "/dev/shm"]
    assert len({volume["name"] for volume in spec["volumes"]}) == 4
    assert composed(environment({"A": "1"}), environment({"A": "2"}))(SPEC)["containers"][0]["env"] == [
        {"name": "A", "value": "2"}
    ]


def test_the_same_claim_twice_is_one_volume() -> None:
    spec = composed(mount_claim("data", "/in", read_only=True), mount_claim("data", "/out"))(SPEC)
    assert len(spec["volumes"]) == 1
    assert len(spec["containers"][0]["volumeMounts"]) == 2


@pytest.mark.parametrize(
    ("make", "cause"),
    [
        (lambda: resources(memory="4gb"), "'4gb' is not a quantity of memory"),
        (lambda: resources(cpu="2 cores"), "'2 cores' is not a quantity of cpu"),
        (lambda: resources(cpu=4, cpu_limit="2"), "the request of 4 cpu exceeds the limit of 2"),
        (lambda: gpu(-1), "-1 is not a number of GPUs"),
        (lambda: gpu(1, "nvidia"), "'nvidia' is not a resource name"),
        (lambda: mount_claim("data", "data"), "cannot mount a volume at 'data'"),
    ],
)
def test_invalid_arguments_are_errors(make: Any, cause: str) -> None:
    with pytest.raises(ConfigError, match=cause):
        make()


def fairings_resources(kube_manager: Any, pod_spec: Any, namespace: str) -> None:
    from kubernetes.client import V1ResourceRequirements

    pod_spec.containers[0].resources = V1ResourceRequirements(limits={"cpu": "2", "example.com/ns": namespace})


def fairings_claim(kube_manager: Any, pod_spec: Any, namespace: str) -> None:
    from kubernetes import client

    claim = client.V1PersistentVolumeClaimVolumeSource(claim_name="data")
    pod_spec.containers[0].volume_mounts = [client.V1VolumeMount(name="data", mount_path="/data")]
    pod_spec.volumes = [client.V1Volume(name="data", persistent_volume_claim=claim)]
    pod_spec.node_selector = {"zone": kube_manager}


def test_fairings_mutators_are_adapted() -> None:
    before = copy.deepcopy(SPEC)
    spec = composed(
        environment({"A": "1"}),
        from_fairing(fairings_resources, namespace="team"),
        from_fairing(fairings_claim, kube_manager="a"),
        toleration("gpu"),
    )(SPEC)
    assert before == SPEC
    main, other = spec["containers"]
    assert main["resources"] == {"limits": {"cpu": "2", "example.com/ns": "team"}}
    assert main["volumeMounts"] == [{"name": "data", "mountPath": "/data"}]
    assert main["env"] == other["env"] == [{"name": "A", "value": "1"}]
    assert "resources" not in other
    assert spec["volumes"] == [{"name": "data", "persistentVolumeClaim": {"claimName": "data"}}]
    assert spec["nodeSelector"] == {"zone": "a"}
    assert spec["tolerations"] == [{"key": "gpu", "operator": "Exists"}]


@pytest.mark.parametrize("mutate", ALL)
def test_fairings_form_keeps_our_changes(mutate: Mutator) -> None:
    spec = mutate(SPEC)
    assert from_fairing(lambda kube_manager, pod_spec, namespace: None)(spec) == spec


def test_fairings_form_rejects_fields_that_it_would_lose() -> None:
    with pytest.raises(ConfigError, match="does not have"):
        from_fairing(fairings_claim)({**SPEC, "yetUnknown": True})
