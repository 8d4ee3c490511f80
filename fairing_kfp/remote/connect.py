"""A connection with Kubeflow Pipelines. The kfp SDK's client authenticates it."""

from __future__ import annotations

import json
import os
import ssl
import tempfile
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import urllib3

from fairing_kfp.errors import ConfigError, KfpError
from fairing_kfp.proxies import proxy_for
from fairing_kfp.remote.errors import error_from_status, not_kfp, unreachable, untrusted

if TYPE_CHECKING:
    from fairing_kfp.settings import Settings

T = TypeVar("T")

TIMEOUT = (10, 120)  # seconds to connect, and to wait for the next bytes
_POD = Path("/var/run/secrets/kubernetes.io/serviceaccount/namespace")


class Kfp:
    """A connection with Kubeflow Pipelines.

    Attributes:
        client: the kfp SDK's client.
        host: URL of the API.
        page: URL of the pages; empty if unknown.
        namespace: namespace of experiments, runs and pipelines; None on an installation for one user.
    """

    def __init__(self, client: Any, host: str, namespace: str | None, *, authenticated: bool) -> None:
        self.client = client
        self.host = host
        self.page = os.environ.get("KF_PIPELINES_UI_ENDPOINT") or (host if "://" in host else "")
        self.namespace = namespace
        self._authenticated = authenticated

    def call(self, request: str, method: Callable[..., T], *body: Any, **arguments: Any) -> T:
        """Calls a method of the SDK's generated API.

        Args:
            request: what it does, for errors: `create the run digits`.
            method: a method such as `client.runs.run_service_get_run`.
            body: the body of the request, whose argument has another name in each release.
            arguments: its arguments; those that are None are left out.

        Raises:
            KfpError: Kubeflow Pipelines rejects the request, or does not answer.
        """
        given = {name: value for name, value in arguments.items() if value is not None}
        return self._translated(request, lambda: method(*body, **given, _request_timeout=TIMEOUT))

    def text(self, request: str, path: str, **query: str) -> str:
        """The body of a GET request to any path of the host.

        Raises:
            KfpError: the host rejects the request, or does not answer.
        """
        api = _api_client(self.client)

        def get() -> str:
            api.call_api(
                path,
                "GET",
                query_params=list(query.items()),
                header_params={"Accept": "*/*"},
                auth_settings=["Bearer"],
                _request_timeout=TIMEOUT,
            )
            return str(api.last_response.data)

        return self._translated(request, get)

    def send(self, request: str, method: str, url: str, headers: Mapping[str, str], body: bytes | None = None) -> Any:
        """The response (urllib3) to a request to any URL of the installation; its body is not read yet.

        Redirects are not followed: they lead to a login page.

        Raises:
            KfpError: the host rejects the request, or does not answer.
        """
        import kfp_server_api

        api = _api_client(self.client)

        def send() -> Any:
            given = {**api.default_headers, **({"Cookie": api.cookie} if api.cookie else {}), **headers}
            api.update_params_for_auth(given, [], ["Bearer"])
            timeout = urllib3.Timeout(*TIMEOUT)
            pool = api.rest_client.pool_manager
            response = pool.request(
                method, url, headers=given, body=body, preload_content=False, redirect=False, timeout=timeout
            )
            if response.status >= 300:
                error = kfp_server_api.ApiException(status=response.status if response.status >= 400 else 401)
                error.body = response.read()
                raise error
            return response

        return self._translated(request, send)

    def _translated(self, request: str, act: Callable[[], T]) -> T:
        import kfp_server_api

        try:
            return act()
        except kfp_server_api.ApiException as error:
            if not error.status:
                raise untrusted(self.host, str(error.reason)) from error
            raise error_from_status(
                error.status,
                error.body,
                request=request,
                host=self.host,
                namespace=self.namespace,
                authenticated=self._authenticated,
            ) from error
        except urllib3.exceptions.HTTPError as error:
            raise unreachable(self.host, error) from error
        except (kfp_server_api.OpenApiException, ValueError) as error:
            raise KfpError(
                f"cannot {request}: the response of {self.host} is malformed: {error}",
                "check that it is Kubeflow Pipelines 2.17 or newer",
            ) from error


def connect(settings: Settings, token_file: str | None = None) -> Kfp:
    """Connects with Kubeflow Pipelines, and checks that it answers.

    Args:
        settings: `host`, `namespace` and `ca`.
        token_file: file with a bearer token, read again for each request.

    Raises:
        ConfigError: no host is set, the token file cannot be read, or the installation requires a namespace.
        KfpError: the host does not answer, or is not Kubeflow Pipelines.
    """
    host = _host(settings)
    authentication = _authentication(token_file)
    trusted = _trusted(settings.ca)
    client = _create(
        host,
        # Without a host, the SDK takes it for the namespace of Kubeflow Pipelines itself.
        namespace=(settings.namespace if host else None) or "kubeflow",
        ssl_ca_cert=trusted.path if trusted else None,
        proxy=proxy_for(host) if host else None,
        **authentication,
    )
    client.trusted = trusted  # kept while the client opens connections
    host = host or str(_api_client(client).configuration.host)
    kfp = Kfp(
        client, host, settings.namespace or client.get_user_namespace() or None, authenticated=bool(authentication)
    )
    _check(kfp)
    return kfp


def _host(settings: Settings) -> str:
    """The URL of the API; empty in a pod, where the SDK knows the service's name."""
    host = settings.host or os.environ.get("KF_PIPELINES_ENDPOINT") or ""
    if not host and not _POD.exists():
        raise ConfigError(
            "no host of Kubeflow Pipelines is set",
            "use --host URL, FAIRING_KFP_HOST, or host in [tool.fairing-kfp] of pyproject.toml",
        )
    if host and not host.startswith(("http://", "https://")):
        host = f"https://{host}"
    return host.rstrip("/")


def _create(host: str, **arguments: Any) -> Any:
    import kfp.client
    import kfp_server_api

    class Client(kfp.client.Client):  # type: ignore[misc]
        """The SDK's client, which asks a host for its health once, not five times, and writes nothing to the home."""

        def get_kfp_healthz(self, sleep_duration: int = 0) -> Any:
            del sleep_duration
            return self._healthz_api.healthz_service_get_healthz(_request_timeout=TIMEOUT)

        def set_user_namespace(self, namespace: str) -> None:
            self._context_setting["namespace"] = namespace.strip()

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        try:
            return Client(host=host or None, **arguments)
        except kfp_server_api.ApiException as error:
            if not error.status:
                raise untrusted(host, str(error.reason)) from error
            authenticated = any(name in arguments for name in ("credentials", "existing_token", "cookies"))
            raise _refused(host, error, authenticated=authenticated) from error
        except urllib3.exceptions.HTTPError as error:
            raise unreachable(host, error) from error
        except ValueError as error:
            raise not_kfp(host) from error


def _refused(host: str, error: Any, *, authenticated: bool) -> KfpError:
    if error.status in (401, 403):
        return error_from_status(
            error.status,
            error.body,
            request="use Kubeflow Pipelines",
            host=host,
            namespace=None,
            authenticated=authenticated,
        )
    if error.status >= 500:
        return error_from_status(
            error.status, error.body, request=f"reach {host}", host=host, namespace=None, authenticated=authenticated
        )
    return not_kfp(host, error.status)


def _check(kfp: Kfp) -> None:
    """Checks that the host is Kubeflow Pipelines, and that a namespace is set if it serves several users."""
    try:
        health = json.loads(kfp.text("use Kubeflow Pipelines", "/apis/v2beta1/healthz"))
    except ValueError:
        raise not_kfp(kfp.host) from None
    except KfpError as error:
        if error.status == 404:
            raise not_kfp(kfp.host, 404) from error
        raise
    if not isinstance(health, dict):
        raise not_kfp(kfp.host)
    if health.get("multi_user") and not kfp.namespace:
        raise ConfigError(
            f"Kubeflow Pipelines at {kfp.host} serves several users, and no namespace is set",
            "use --namespace, FAIRING_KFP_NAMESPACE, or namespace in [tool.fairing-kfp] of pyproject.toml",
        )


def _authentication(token_file: str | None) -> dict[str, Any]:
    """The SDK's arguments for credentials: a token file, a token, the token of a pod; cookies in addition."""
    from kfp import client
    from kfp.client.set_volume_credentials import ServiceAccountTokenVolumeCredentials

    found: dict[str, Any] = {}
    cookies, token = os.environ.get("FAIRING_KFP_COOKIES"), os.environ.get("FAIRING_KFP_TOKEN")
    if cookies:
        found["cookies"] = cookies.strip()
    path = token_file or os.environ.get("FAIRING_KFP_TOKEN_FILE")
    if path:
        try:
            empty = not Path(path).read_text().strip()
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigError(f"cannot read the token file {path}: {error}", "check --token-file") from error
        if empty:
            raise ConfigError(f"the token file {path} is empty", "write the token into it")
    elif token:
        return {**found, "existing_token": token.strip()}
    else:
        path = os.environ.get(client.KF_PIPELINES_SA_TOKEN_ENV) or client.KF_PIPELINES_SA_TOKEN_PATH
        if not Path(path).exists():
            return found
    return {**found, "credentials": ServiceAccountTokenVolumeCredentials(path)}


class _Trusted:
    """A PEM file with the system's CA certificates and further ones; the SDK takes one file."""

    def __init__(self, certificates: bytes) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="fairing-kfp-")
        self.path = str(Path(self._folder.name, "ca.pem"))
        Path(self.path).write_bytes(certificates)


def _trusted(ca: str | None) -> _Trusted | None:
    """The CA certificates to trust; None for those of the SDK.

    Raises:
        ConfigError: the file cannot be read.
    """
    import certifi

    if not ca:
        return None
    system = ssl.get_default_verify_paths().cafile or certifi.where()
    try:
        own = Path(ca).read_bytes()
        ssl.create_default_context().load_verify_locations(ca)
    except (OSError, ssl.SSLError) as error:
        raise ConfigError(f"cannot read the CA certificates {ca}: {error}", "name a PEM file with --ca") from error
    return _Trusted(Path(system).read_bytes() + b"\n" + own)


def _api_client(client: Any) -> Any:
    """The SDK's HTTP client, with its credentials."""
    return client.runs.run_service_get_run.__self__.api_client
