"""Dockerfiles that a Job builds in the cluster, by a stand-in for BuildKit unless `BUILDKIT_IMAGE` names a real one."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from fairing_kfp.builders import job_pod
from fairing_kfp.builders.buildkit.build import build
from fairing_kfp.builders.buildkit.job import BuildSpec
from fairing_kfp.cache.store import Cache
from fairing_kfp.cluster.connect import ClusterConfig
from fairing_kfp.cluster.kinds import JOB
from fairing_kfp.cluster.owner import Owner
from fairing_kfp.components import embed_source
from fairing_kfp.components.step import run_step
from fairing_kfp.components.steps import build_dockerfile
from fairing_kfp.errors import ForbiddenError, JobFailedError
from fairing_kfp.image.reference import Reference
from fairing_kfp.layers.files import archive_of_files
from fairing_kfp.pipeline import roles
from fairing_kfp.preprocess.files.read import read_files
from tests.integration.test_registry_access import HTPASSWD, ME
from tests.support.accounts import RecordedCluster, account_with, granted, service_account
from tests.support.administrator import create, listed, new_namespace
from tests.support.buildkit_stand_in import buildkit_image, write_context
from tests.support.bundles import step_input
from tests.support.component_pods import ComponentPods, Task
from tests.support.pods import enforce_pod_security
from tests.support.private_registry import serve_registry

pytestmark = [pytest.mark.registry, pytest.mark.kubernetes]


@pytest.fixture(scope="module")
def image(own_image: str, testbed_registry: str, shared_cache: Cache) -> str:
    return buildkit_image(own_image, f"{testbed_registry}/tests/buildkit", testbed_registry, shared_cache)


@dataclass(frozen=True)
class Builder:
    """Builds by a Job, with the permissions of the role."""

    cluster: RecordedCluster
    spec: BuildSpec
    folder: Path

    def build(self, base: str, *lines: str, **changes: object) -> tuple[list[str], list[str]]:
        """The messages and the log of a build."""
        root = write_context(self.folder / "context", base, *lines)
        files = read_files({"Dockerfile": root / "lab" / "Dockerfile"})
        context = self.folder / "context.tar"
        context.write_bytes(b"".join(archive_of_files("context", files)))
        spec = replace(self.spec, context_size=context.stat().st_size, **changes)  # type: ignore[arg-type]
        messages: list[str] = []
        shown: list[str] = []
        try:
            build(spec, context, self.cluster, Owner.outside_kfp(base), log=messages.append, log_line=shown.append)
        finally:
            assert listed(self.cluster.namespace, JOB) == []
        return messages, shown


@pytest.fixture(scope="module")
def access(namespace: str) -> ClusterConfig:
    """A service account with the role of the builder alone."""
    return account_with(namespace, roles.manifest("dockerfile", namespace))


@pytest.fixture
def builder(image: str, access: ClusterConfig, testbed_registry: str, unique: str, tmp_path: Path) -> Builder:
    spec = BuildSpec(Reference.parse(f"{testbed_registry}/{unique}:1"), image=image, insecure=(testbed_registry,))
    return Builder(RecordedCluster(lambda: access), spec, tmp_path)


def test_a_dockerfile_is_built_by_pods_as_kfp_runs_them(
    own_components: Path,
    image: str,
    kubectl: Callable[..., str],
    base_image: str,
    testbed_registry: str,
    unique: str,
    pod: Callable[..., str],
    tmp_path: Path,
) -> None:
    lines = ("ARG WHO", "COPY lab/hello.txt /hello.txt", "RUN echo run for $WHO")
    folder = write_context(tmp_path / "context", base_image, *lines)
    with new_namespace() as namespace:
        account = service_account(namespace, roles.manifest("dockerfile", namespace))
        pods = ComponentPods(own_components, kubectl, namespace, account)
        parameters = {
            "repository": f"{testbed_registry}/{unique}",
            "dockerfile": "lab/Dockerfile",
            "build_args": {"WHO": "me"},
            "buildkit_image": image,
            "insecure": [testbed_registry],
        }
        ended = pods.run(
            Task("preprocessing/fetch_source", {"archive": embed_source(folder)}),
            Task("building/build_dockerfile", parameters, {"context": "fetch_source/source"}),
            gives="image",
        )
        assert ended.code == 0, ended.log
        assert listed(namespace, JOB) == []

    assert "fairing-kfp: created Job build-" in ended.log
    assert "RUN echo run for" in ended.log
    assert "left.txt" not in ended.log
    assert ended.gave.startswith(f"{testbed_registry}/{unique}@sha256:")
    assert pod(ended.gave, "cat", "/hello.txt") == "hello from the context\n"


def test_a_build_that_fails_tells_why_and_leaves_nothing(builder: Builder, base_image: str) -> None:
    with pytest.raises(JobFailedError, match=r'Dockerfile cannot be built: .*process "/bin/sh -c false".*exit code: 1'):
        builder.build(base_image, "RUN false")

    assert builder.cluster.used <= granted("dockerfile")


def test_the_login_of_a_secret_pushes_the_image(
    builder: Builder, base_image: str, testbed_registry: str, tmp_path: Path
) -> None:
    users = tmp_path / "htpasswd"
    users.write_text(HTPASSWD)
    auth = {"htpasswd": {"realm": "tests", "path": str(users)}}
    host = testbed_registry.partition(":")[0]
    with serve_registry(tmp_path / "registry", auth, name=host) as registry:
        login = {"auth": base64.b64encode(f"{ME.username}:{ME.password}".encode()).decode()}
        held = {".dockerconfigjson": json.dumps({"auths": {registry.host: login}})}
        kind = {"type": "kubernetes.io/dockerconfigjson", "metadata": {"name": "login"}, "stringData": held}
        create(builder.cluster.namespace, {"apiVersion": "v1", "kind": "Secret", **kind})
        target = Reference.parse(f"{registry.host}/me/made:1")
        insecure = (testbed_registry, registry.host)
        messages, shown = builder.build(
            base_image, "COPY Dockerfile /made", target=target, insecure=insecure, secret="login"
        )
        requests = registry.requests()

    assert "PUT /v2/me/made/manifests/1 201" in requests
    assert not any(ME.password in line for line in (*messages, *shown))


def test_a_missing_role_is_named_before_a_job_is_created(
    namespace: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    access = account_with(namespace)
    monkeypatch.setattr(build_dockerfile, "Cluster", lambda: RecordedCluster(lambda: access))
    context = write_context(tmp_path / "context", "scratch")
    values = {"repository": "registry.example.com/team/train", "dockerfile": "lab/Dockerfile"}
    given = step_input(build_dockerfile.BUILD_DOCKERFILE, tmp_path / "out", values, context=context)

    with pytest.raises(ForbiddenError, match=r"\n.*fairing-kfp-dockerfile"):
        run_step(build_dockerfile.BUILD_DOCKERFILE, given, print)

    assert not (tmp_path / "out").exists()


def test_a_build_ends_at_its_deadline(builder: Builder, base_image: str) -> None:
    with pytest.raises(JobFailedError, match=r"Job build-\w+ exceeded its deadline"):
        builder.build(base_image, "RUN sleep 60", deadline=5)


def test_a_namespace_that_forbids_user_namespaces_is_named(
    builder: Builder, base_image: str, namespace: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(job_pod, "_DEFAULT_PATIENCE", 0)
    monkeypatch.setattr(job_pod, "_EVENTS", 0.5)
    enforce_pod_security(namespace, "baseline")
    try:
        with pytest.raises(JobFailedError, match=r"its pod cannot be created: .*PodSecurity.*seccompProfile"):
            builder.build(base_image, "RUN true")
    finally:
        enforce_pod_security(namespace, None)
