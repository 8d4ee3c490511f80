"""Each check with a stand-in for what it checks."""

from __future__ import annotations

import json
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from fairing_kfp.cache.store import Cache
from fairing_kfp.cluster.rule import Rule
from fairing_kfp.doctor import images, services
from fairing_kfp.doctor.check import Check, Finding, Setup
from fairing_kfp.doctor.checks import CHECKS
from fairing_kfp.errors import UnavailableError
from fairing_kfp.settings import Settings
from tests.support.command_line import fairing_kfp
from tests.support.kfp_stand_in import serve_kfp
from tests.support.scripted_registry import Answer, Server, errors, serving


class ClusterStandIn:
    """A cluster in whose namespace `home` the verbs of some resources are denied."""

    namespace = "home"
    config = SimpleNamespace(server="https://cluster.example")
    denied: tuple[str, ...] = ()

    def __init__(self, retry_timeout: float) -> None:
        assert retry_timeout < 60

    def request(self, method: str, path: str, *, body: Any = None) -> dict[str, Any]:
        if path == "/version":
            return {"gitVersion": "v1.33.1"}
        if body["kind"] == "SelfSubjectReview":
            return {"status": {"userInfo": {"username": "me"}}}
        attributes = body["spec"]["resourceAttributes"]
        return {"status": {"allowed": attributes["resource"] not in self.denied}}

    def close(self) -> None:
        pass


@pytest.fixture(autouse=True)
def nothing_is_there(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def no_engine(user: str) -> None:
        raise UnavailableError(f"{user}: no engine", "start it")

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(services, "is_configured", lambda: False)
    monkeypatch.setattr(images, "connect", no_engine)
    for name in ("FAIRING_KFP_REGISTRY", "FAIRING_KFP_HOST", "KF_PIPELINES_ENDPOINT", "FAIRING_KFP_BASE_IMAGE"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch) -> type[ClusterStandIn]:
    monkeypatch.setattr(services, "is_configured", lambda: True)
    monkeypatch.setattr(services, "Cluster", ClusterStandIn)
    monkeypatch.setattr(ClusterStandIn, "denied", ())
    monkeypatch.setattr(
        services, "rules_by_feature", lambda: {name: (Rule("", name, ("get",)),) for name in ("job", "kserve")}
    )
    return ClusterStandIn


@pytest.fixture
def server() -> Iterator[Server]:
    with serving() as server:
        yield server


def find(name: str, cache: Cache | None = None, **settings: Any) -> Finding:
    (check,) = (check for check in CHECKS if check.name == name)
    return check.examine(Setup(Settings.load(**settings), cache or Cache()))


def test_python_and_kfp_are_those_that_the_package_requires(monkeypatch: pytest.MonkeyPatch) -> None:
    assert find("Python").state == find("kfp").state == "ok"
    monkeypatch.setattr("platform.python_version", lambda: "3.9.1")
    monkeypatch.setattr(metadata, "version", lambda name: "1.8.22")

    assert find("Python").detail == "Python 3.9.1 is not supported, but >=3.10"
    assert find("kfp").detail.startswith("kfp 1.8.22 is not supported")
    assert find("kfp").remedy.startswith("pip install 'kfp")


def test_a_cache_that_cannot_be_written_fails(tmp_path: Path) -> None:
    assert find("cache", Cache(tmp_path / "cache")) == Finding("cache", "ok", str(tmp_path / "cache"))
    (tmp_path / "file").touch()
    found = find("cache", Cache(tmp_path / "file"))

    assert found.state == "failed"
    assert found.remedy


def test_an_upload_is_started_and_cancelled(server: Server) -> None:
    server.answers = [Answer(202, headers={"Location": "/v2/team/pipeline/blobs/uploads/1"}), Answer(204)]

    assert find("registry", registry=f"{server.host}/team").state == "ok"
    assert server.lines[0].startswith("POST /v2/team/pipeline/blobs/uploads/")
    assert server.lines[1:] == ["DELETE /v2/team/pipeline/blobs/uploads/1"]


@pytest.mark.parametrize("status", [401, 403, 404, 500])
def test_a_registry_that_refuses_the_upload_fails(server: Server, status: int) -> None:
    server.rule = lambda request: Answer(status, errors("DENIED", "not you"))
    found = find("registry", registry=f"{server.host}/team")

    assert found.state == "failed"
    assert server.host in found.detail
    assert found.remedy


def test_without_a_registry_the_settings_are_named() -> None:
    found = find("registry")
    assert found.state == "absent"
    assert "--registry" in found.remedy


@pytest.mark.parametrize("builder", ["cluster", "layout:images"])
def test_a_registry_that_this_machine_does_not_push_to_is_not_required(builder: str) -> None:
    assert find("registry", registry="127.0.0.1:1/team", builder=builder).state == "absent"


def test_a_base_image_that_does_not_exist_fails_if_images_are_pushed(server: Server) -> None:
    server.rule = lambda request: Answer(404, errors("MANIFEST_UNKNOWN"))
    base = f"{server.host}/base:1"

    assert find("base image", base_image=base, registry=f"{server.host}/team").state == "failed"
    assert find("base image", base_image=base, builder="cluster").state == "absent"


def test_a_base_image_from_a_dockerfile_needs_an_engine(tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text("FROM scratch\n")

    assert find("base image", base_image="dockerfile:Dockerfile").state == "ok"
    assert find("engine", base_image="dockerfile:Dockerfile").state == "failed"
    assert find("engine", builder="docker").state == "failed"
    assert find("engine").state == "absent"


def test_the_version_of_the_engine_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    client = SimpleNamespace(version=lambda: {"Version": "27.1"}, close=lambda: None)
    monkeypatch.setattr(images, "connect", lambda user: SimpleNamespace(name="Docker", client=client))

    assert find("engine") == Finding("engine", "ok", "Docker 27.1")


def test_an_unknown_builder_fails() -> None:
    assert find("builder", builder="appendd").state == "failed"
    assert find("builder", builder="dry-run").state == "ok"


def test_kubernetes_is_required_by_the_builder_that_uses_it(cluster: type[ClusterStandIn]) -> None:
    assert find("Kubernetes").detail == "https://cluster.example v1.33.1, namespace home"
    cluster.denied = ("jobs",)

    assert find("roles").state == "ok"
    assert find("roles", builder="cluster").state == "failed"


def test_missing_roles_are_named(cluster: type[ClusterStandIn]) -> None:
    assert find("roles").detail == "job, kserve in the namespace home"
    cluster.denied = ("kserve",)
    found = find("roles", namespace="team")

    assert found.state == "absent"
    assert found.detail == "these credentials lack, in the namespace team, the roles kserve; they have job"
    assert "fairing_kfp.pipeline.roles" in found.remedy


def test_without_a_cluster_kubernetes_is_absent() -> None:
    assert find("Kubernetes").state == find("roles").state == "absent"
    assert find("Kubernetes", builder="cluster").state == "failed"


def test_kubeflow_pipelines_answers_with_these_credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    with serve_kfp() as kfp:
        assert find("Kubeflow Pipelines", host=kfp.url).state == "ok"
        kfp.token = "made-up"
        assert find("Kubeflow Pipelines", host=kfp.url).state == "failed"
        monkeypatch.setenv("FAIRING_KFP_TOKEN", "made-up")
        assert find("Kubeflow Pipelines", host=kfp.url).state == "ok"
    assert find("Kubeflow Pipelines").state == "absent"


def test_a_check_that_breaks_off_does_not_end_the_others() -> None:
    def broken(setup: Setup) -> str:
        raise ValueError("<html>")

    found = Check("it", broken).examine(Setup(Settings(), Cache()))
    assert (found.state, found.detail) == ("failed", "cannot be checked: ValueError: <html>")


@pytest.mark.parametrize("state", ["ok", "absent", "failed"])
def test_the_command_exits_with_3_if_something_required_fails(monkeypatch: pytest.MonkeyPatch, state: str) -> None:
    def found(setup: Setup) -> str:
        if state == "ok":
            return "1 [2]"
        raise UnavailableError("1 [2]", "mend it")

    check = Check("it", found, lambda settings: state == "failed")
    monkeypatch.setattr("fairing_kfp.doctor.checks.CHECKS", (check, Check("next", lambda setup: "fine")))
    code, output = fairing_kfp("doctor")
    lines = output.splitlines()

    assert code == (3 if state == "failed" else 0)
    assert lines[0].split() == [{"ok": "✔", "absent": "\N{EN DASH}", "failed": "✘"}[state], "it", "1", "[2]"]
    assert lines[1:-1] == ([] if state == "ok" else [" " * 22 + "→ mend it"])
    assert lines[-1].split() == ["✔", "next", "fine"]

    code, output = fairing_kfp("doctor", "--json")
    assert code == (3 if state == "failed" else 0)
    assert [(one["name"], one["state"]) for one in json.loads(output)] == [("it", state), ("next", "ok")]
