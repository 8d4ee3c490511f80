"""The Job of BuildKit: what buildctl is given, and what the pod may do."""

from __future__ import annotations

from dataclasses import replace

from fairing_kfp.builders.buildkit.job import IMAGE, BuildSpec, build_job
from fairing_kfp.image.reference import Reference

_SPEC = BuildSpec(Reference.parse("registry.example.com/team/train:1"), context_size=2048)


def test_the_context_and_its_dockerfile_are_local() -> None:
    spec = replace(_SPEC, dockerfile="lab/Dockerfile", build_args={"WHO": "a b=c"}, stage="test")

    assert spec.arguments == [
        "--frontend=dockerfile.v0",
        "--local=context=/work/context",
        "--local=dockerfile=/work/context",
        "--opt=filename=lab/Dockerfile",
        "--opt=target=test",
        "--opt=build-arg:WHO=a b=c",
        "--output=type=image,name=registry.example.com/team/train:1,push=true",
    ]


def test_a_git_context_is_fetched_by_buildkit() -> None:
    git = "https://example.com/models.git#main:train"
    arguments = replace(_SPEC, git=git, context_size=0).arguments

    assert f"--opt=context={git}" in arguments
    assert not [word for word in arguments if word.startswith("--local")]


def test_registries_are_settings_of_the_daemon() -> None:
    spec = replace(_SPEC, insecure=("registry.test:5000",), ca="-----BEGIN CERTIFICATE-----")

    assert spec.settings == (
        '[registry."registry.test:5000"]\nhttp = true\n[registry."registry.example.com"]\nca = ["/work/ca.pem"]\n'
    )


def test_the_pod_is_not_privileged_and_mounts_its_login() -> None:
    spec = replace(_SPEC, secret="login", resources={"memory": "2Gi"}, deadline=60, service_account="builder")
    job = build_job(spec, "build-1", "team")
    pod = job["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    env = {one["name"]: one["value"] for one in container["env"]}

    assert job["spec"]["activeDeadlineSeconds"] == 60
    assert (pod["serviceAccountName"], pod["automountServiceAccountToken"]) == ("builder", False)
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert "privileged" not in container["securityContext"]
    assert container["image"] == IMAGE
    assert container["command"][:2] == ["sh", "-ec"]
    assert container["resources"] == {"requests": {"memory": "2Gi"}, "limits": {"memory": "2Gi"}}
    assert env["CONTEXT_SIZE"] == "2048"
    login = next(one for one in container["volumeMounts"] if one["name"] == "registry")
    assert env["DOCKER_CONFIG"] == login["mountPath"]
    volume = next(one for one in pod["volumes"] if one["name"] == "registry")
    assert volume["secret"]["items"] == [{"key": ".dockerconfigjson", "path": "config.json"}]
