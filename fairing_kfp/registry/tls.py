"""TLS contexts: the system's and extra CA certificates, and client certificates.

Certificate folders of registries (https://docs.docker.com/engine/security/certificates/) are read as in Docker and
Podman: `*.crt` are CA certificates, `*.cert` with `*.key` are client certificates.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fairing_kfp.errors import ConfigError
from fairing_kfp.frozen import dataclass
from fairing_kfp.registry.docker_config import config_folder
from fairing_kfp.registry.sockets import Paced
from fairing_kfp.registry.stop import Stop

if TYPE_CHECKING:  # imported on first use: it takes longer than a small request
    import ssl


def certificate_folders() -> tuple[Path, ...]:
    """The folders in which Docker and Podman look up the certificate folder of a registry."""
    own = config_folder()
    return (
        own / "containers/certs.d",
        own / "docker/certs.d",
        Path("/etc/containers/certs.d"),
        Path("/etc/docker/certs.d"),
    )


@dataclass(frozen=True)
class Tls:
    """TLS settings.

    Attributes:
        ca: a PEM file of CA certificates to trust in addition to the system's.
        client_cert: a PEM file with the client certificate, its intermediate certificates and its key.
        folders: the parents of certificate folders named `host` or `host:port`; by default Docker's and Podman's.
    """

    ca: str | None = None
    client_cert: str | None = None
    folders: tuple[Path, ...] | None = None


class TlsContexts:
    """TLS contexts, created once each: loading the system's CA certificates takes longer than a small request.

    Args:
        tls: the TLS settings.
        stop: closes the sockets.
    """

    def __init__(self, tls: Tls, stop: Stop) -> None:
        self._tls = tls
        self._stop = stop
        self._lock = threading.Lock()
        self._contexts: dict[tuple[tuple[Path, ...], bool], ssl.SSLContext] = {}

    def get(self, host: str, *, with_client_cert: bool) -> ssl.SSLContext:
        """The context for a host.

        Args:
            host: `host` or `host:port`.
            with_client_cert: whether to use the client certificate; false for hosts that a registry redirects to.

        Raises:
            ConfigError: a certificate or key cannot be read.
        """
        files = tuple(sorted(path for folder in self._folders(host) for path in folder.iterdir()))
        with self._lock:
            key = (files, with_client_cert)
            if key not in self._contexts:
                self._contexts[key] = self._create(files, with_client_cert)
            return self._contexts[key]

    def has_folder(self, host: str) -> bool:
        """Whether a host has a certificate folder, and therefore uses TLS."""
        return bool(self._folders(host))

    def _folders(self, host: str) -> list[Path]:
        folders = self._tls.folders if self._tls.folders is not None else certificate_folders()
        return [folder / host for folder in folders if os.access(folder / host, os.R_OK | os.X_OK)]

    def _create(self, files: Iterable[Path], with_client_cert: bool) -> ssl.SSLContext:
        context = default_context(self._stop)
        if self._tls.ca:
            _load_ca(context, Path(self._tls.ca))
        if with_client_cert and self._tls.client_cert:
            _load_client_cert(context, Path(self._tls.client_cert), None)
        for path in files:
            if path.suffix == ".crt":
                _load_ca(context, path)
            elif with_client_cert and path.suffix == ".cert":
                _load_client_cert(context, path, path.with_suffix(".key"))
        return context


def default_context(stop: Stop) -> ssl.SSLContext:
    """A context that trusts the system's CA certificates, and whose sockets a flag closes."""
    import ssl

    class TlsSocket(Paced, ssl.SSLSocket):
        def do_handshake(self, block: bool = False) -> None:
            stop.watch(self)  # it ends a handshake, too
            super().do_handshake(block)

        def sendall(self, data: Any, flags: int = 0) -> None:
            try:
                super().sendall(data, flags)
            except ssl.SSLEOFError as error:  # as over plain HTTP, so that an early response is read
                raise BrokenPipeError(str(error)) from error

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # verifies certificates and host names
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.hostname_checks_common_name = False
    context.set_alpn_protocols(["http/1.1"])
    context.sslsocket_class = TlsSocket
    context.load_default_certs()
    return context


def _load_ca(context: ssl.SSLContext, path: Path) -> None:
    import ssl

    try:
        context.load_verify_locations(path)
    except (OSError, ssl.SSLError) as error:
        raise ConfigError(
            f"cannot read the CA certificates in {path}: {error.strerror or error}", "use a PEM file"
        ) from None


def _load_client_cert(context: ssl.SSLContext, path: Path, key: Path | None) -> None:
    import ssl

    try:
        # Without a password, OpenSSL would prompt for one on the terminal.
        context.load_cert_chain(path, key, password="")
    except (OSError, ssl.SSLError) as error:
        raise ConfigError(
            f"cannot read the client certificate {path}: {error.strerror or error}",
            "use a PEM file that contains the certificate and its unencrypted key",
        ) from None
