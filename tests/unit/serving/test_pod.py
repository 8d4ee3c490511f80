"""Pods of all backends."""

from __future__ import annotations

import pytest

from fairing_kfp.cluster.mutators import composed, environment, image_pull_secret, resources
from fairing_kfp.serving.pod import VERSION
from tests.support.serving_pods import IMAGE, main_object, serving_pod

OTHER = "registry.example.com/me/p@sha256:" + "b" * 64
TARGETS = ("deployment", "kserve")


@pytest.mark.parametrize("kind", TARGETS)
def test_pods_are_unprivileged_and_probed(kind: str) -> None:
    found, manifest = main_object(serving_pod(kind))
    pod = found.template(manifest)["spec"]
    container = pod["containers"][0]

    assert container["name"] == found.container
    assert pod["automountServiceAccountToken"] is False
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "capabilities": {"drop": ["ALL"]},
        "readOnlyRootFilesystem": True,
    }
    assert container["resources"]["requests"] == {"cpu": "100m", "memory": "266Mi"}
    assert container["resources"]["limits"] == {"memory": "1044Mi"}
    assert container["startupProbe"]["failureThreshold"] * container["startupProbe"]["periodSeconds"] == 600


def test_options_of_the_server_are_variables_and_workers_need_memory() -> None:
    found, manifest = main_object(serving_pod("deployment", workers=3, max_batch=16, max_wait=0.01))
    container = found.template(manifest)["spec"]["containers"][0]
    env = {one["name"]: one["value"] for one in container["env"]}

    assert (env["FAIRING_WORKERS"], env["FAIRING_MAX_BATCH"], env["FAIRING_MAX_WAIT_SECONDS"]) == ("3", "16", "0.01")
    assert container["resources"]["requests"]["memory"] == f"{3 * 266}Mi"
    assert container["resources"]["limits"]["memory"] == f"{3 * 1044}Mi"


@pytest.mark.parametrize("kind", TARGETS)
def test_mutators_override_our_pod_spec(kind: str) -> None:
    writable = {"containers": [{"name": "main", "securityContext": {"readOnlyRootFilesystem": False}}]}
    change = composed(resources(memory="4Gi"), environment({"HOME": "/home", "A": "1"}), image_pull_secret("other"))
    wanted = change({**writable, "nodeSelector": {"a": "b"}})
    found, manifest = main_object(serving_pod(kind, pod=wanted, registry_secret="login"))
    pod = found.template(manifest)["spec"]
    container = pod["containers"][0]
    env = {one["name"]: one["value"] for one in container["env"]}

    assert len(pod["containers"]) == 1
    assert (env["HOME"], env["A"], env["FAIRING_MODEL_NAME"]) == ("/home", "1", "digits")
    assert container["resources"]["limits"]["memory"] == "4Gi"
    assert container["securityContext"]["readOnlyRootFilesystem"] is False
    assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}
    assert pod["nodeSelector"] == {"a": "b"}
    assert pod["imagePullSecrets"] == [{"name": "login"}, {"name": "other"}]


@pytest.mark.parametrize("kind", TARGETS)
def test_another_image_is_another_version_and_the_same_image_the_same_version(kind: str) -> None:
    found, manifest = main_object(serving_pod(kind))
    other = found.with_content(manifest, OTHER)
    version = found.template(manifest)["metadata"]["labels"][VERSION]

    assert found.template(other)["spec"]["containers"][0]["image"] == OTHER
    assert found.template(other)["metadata"]["labels"][VERSION] != version
    assert found.with_content(other, IMAGE) == manifest
    assert found.template(main_object(serving_pod(kind, load_within=10))[1])["metadata"]["labels"][VERSION] != version
