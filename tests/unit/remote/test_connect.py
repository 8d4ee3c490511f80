"""Connections with Kubeflow Pipelines: hosts, credentials, certificates and namespaces."""

from __future__ import annotations

import http.server
from pathlib import Path
from typing import Any

import pytest

from fairing_kfp.errors import ConfigError, KfpError
from fairing_kfp.remote import connect as module
from fairing_kfp.remote.connect import connect
from fairing_kfp.remote.experiment import find_experiment
from fairing_kfp.settings import Settings
from tests.support.authority import make_authority
from tests.support.http_servers import running
from tests.support.kfp_stand_in import KfpStandIn, serve_kfp


def settings(kfp: KfpStandIn, **fields: Any) -> Settings:
    return Settings(host=kfp.url, **fields)


def test_a_token_comes_from_the_environment(kfp: KfpStandIn, monkeypatch: pytest.MonkeyPatch) -> None:
    kfp.token = "secret-1"
    monkeypatch.setenv("FAIRING_KFP_TOKEN", "secret-1\n")

    assert find_experiment(connect(settings(kfp)), "Default") is None


def test_a_token_file_is_read_again_for_each_request(kfp: KfpStandIn, tmp_path: Path) -> None:
    file = tmp_path / "token"
    kfp.token = "secret-1"
    file.write_text("secret-1\n")
    connection = connect(settings(kfp), str(file))
    kfp.token = "secret-2"
    file.write_text("secret-2\n")

    assert find_experiment(connection, "Default") is None


def test_cookies_come_from_the_environment(kfp: KfpStandIn, monkeypatch: pytest.MonkeyPatch) -> None:
    kfp.cookie = "session=secret-1"
    monkeypatch.setenv("FAIRING_KFP_COOKIES", "session=secret-1")

    assert find_experiment(connect(settings(kfp)), "Default") is None


def test_a_pod_uses_the_token_that_is_mounted_for_kubeflow_pipelines(
    kfp: KfpStandIn, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "token").write_text("secret-1")
    kfp.token = "secret-1"
    monkeypatch.setenv("KF_PIPELINES_SA_TOKEN_PATH", str(tmp_path / "token"))

    assert find_experiment(connect(settings(kfp)), "Default") is None


def test_a_pod_needs_no_host(kfp: KfpStandIn, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Name:
        """The SDK's template of the service's name in the cluster."""

        def format(self, namespace: str) -> str:
            return kfp.url if namespace == "kubeflow" else "http://nowhere.invalid"

    monkeypatch.setattr(module, "_POD", tmp_path)
    monkeypatch.setattr("kubernetes.config.load_incluster_config", lambda: None)
    monkeypatch.setattr("kfp.client.Client._IN_CLUSTER_DNS_NAME", Name())
    kfp.multi_user = True
    connection = connect(Settings(namespace="ann"))

    assert (connection.host, connection.namespace) == (kfp.url, "ann")
    assert find_experiment(connection, "Default") is None


def test_a_pod_of_several_users_uses_its_own_namespace(
    kfp: KfpStandIn, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "context.json"
    (tmp_path / "namespace").write_text("ann\n")
    monkeypatch.setattr("kfp.client.Client._NAMESPACE_PATH", str(tmp_path / "namespace"))
    monkeypatch.setattr("kfp.client.Client._LOCAL_KFP_CONTEXT", str(home))
    kfp.multi_user = True

    assert connect(settings(kfp)).namespace == "ann"
    assert not home.exists()


def test_an_expired_token_is_reported_without_it(kfp: KfpStandIn, monkeypatch: pytest.MonkeyPatch) -> None:
    kfp.token = "secret-2"
    monkeypatch.setenv("FAIRING_KFP_TOKEN", "secret-1")

    with pytest.raises(KfpError, match=r"rejects the credentials.*the token has expired") as raised:
        connect(settings(kfp))
    assert raised.value.status == 401
    assert "secret" not in f"{raised.value!r}{raised.value}"


def test_missing_credentials_are_reported(kfp: KfpStandIn) -> None:
    kfp.token = "secret-2"

    with pytest.raises(KfpError, match="requires credentials") as raised:
        connect(settings(kfp))
    assert "FAIRING_KFP_TOKEN" in raised.value.remedy


@pytest.mark.parametrize(("text", "message"), [("", "is empty"), (None, "cannot read the token file")])
def test_an_unusable_token_file_is_rejected(kfp: KfpStandIn, tmp_path: Path, text: str | None, message: str) -> None:
    file = tmp_path / "token"
    if text is not None:
        file.write_text(text)

    with pytest.raises(ConfigError, match=message):
        connect(settings(kfp), str(file))
    assert kfp.requests == []


def test_an_installation_for_several_users_requires_a_namespace(kfp: KfpStandIn) -> None:
    kfp.multi_user = True

    with pytest.raises(ConfigError, match="serves several users, and no namespace is set"):
        connect(settings(kfp))
    assert find_experiment(connect(settings(kfp, namespace="ann")), "Default") is None


def test_a_forbidden_namespace_is_named(kfp: KfpStandIn) -> None:
    kfp.multi_user, kfp.allowed = True, {"ann"}

    with pytest.raises(
        KfpError, match=r"you may not list the experiments.* in the namespace bob: PermissionDenied"
    ) as raised:
        find_experiment(connect(settings(kfp, namespace="bob")), "Default")
    assert raised.value.status == 403


def test_an_unknown_host_is_reported() -> None:
    with pytest.raises(KfpError, match=r"cannot reach Kubeflow Pipelines at http://nowhere\.invalid: ") as raised:
        connect(Settings(host="http://nowhere.invalid"))
    assert "object at 0x" not in str(raised.value)


@pytest.mark.parametrize("failing", [500, 503])
def test_a_failing_host_is_reported(kfp: KfpStandIn, failing: int) -> None:
    kfp.failures = [failing]

    with pytest.raises(KfpError, match=rf"answered {failing}: no healthy upstream"):
        connect(settings(kfp))


class _Page(http.server.BaseHTTPRequestHandler):
    status = 200

    def do_GET(self) -> None:
        body = b"<!doctype html><html><title>Log in to Your Account</title></html>"
        self.send_response(self.status)
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.mark.parametrize("status", [200, 404])
def test_a_web_page_is_not_kubeflow_pipelines(status: int) -> None:
    handler = type("Handler", (_Page,), {"status": status})
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    with running(server), pytest.raises(KfpError, match="answers, but not as Kubeflow Pipelines") as raised:
        connect(Settings(host=f"http://127.0.0.1:{server.server_port}"))
    assert "/pipeline" in raised.value.remedy


def test_a_host_without_a_scheme_is_reached_over_https(kfp: KfpStandIn) -> None:
    with pytest.raises(KfpError, match="no TLS connection to Kubeflow Pipelines at https://127"):
        connect(Settings(host=kfp.url.removeprefix("http://")))


def test_certificates_of_an_own_authority_are_trusted_if_they_are_named(tmp_path: Path) -> None:
    authority = make_authority(tmp_path / "authority")
    with serve_kfp(tls=authority.server_context()) as kfp:
        assert kfp.url.startswith("https://")
        with pytest.raises(KfpError, match="no TLS connection") as raised:
            connect(settings(kfp))
        assert "--ca" in raised.value.remedy
        assert find_experiment(connect(settings(kfp, ca=str(authority.ca))), "Default") is None


def test_unusable_certificates_are_rejected(kfp: KfpStandIn, tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("none")

    with pytest.raises(ConfigError, match=r"cannot read the CA certificates .*ca\.pem"):
        connect(settings(kfp, ca=str(tmp_path / "ca.pem")))
