"""Whom TLS trusts, and as whom it speaks: the machine's authorities, one's own, and certificates of one's own.

Folders of a registry's own (https://docs.docker.com/engine/security/certificates/) are read as Docker and Podman read
them: `*.crt` are authorities, `*.cert` with `*.key` a client certificate.
"""

from __future__ import annotations

import os
import ssl
import threading
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from urllib3.util.ssl_ import create_urllib3_context

from fairing_kfp.errors import ConfigError
from fairing_kfp.registry.home import config_folder


def certificate_folders() -> tuple[Path, ...]:
    """Where Docker and Podman look for a registry's folder."""
    own = config_folder()
    return (
        own / "containers/certs.d",
        own / "docker/certs.d",
        Path("/etc/containers/certs.d"),
        Path("/etc/docker/certs.d"),
    )


@dataclass(frozen=True)
class Tls:
    """What is trusted besides the machine's authorities.

    Attributes:
        ca: a PEM file of authorities.
        client_cert: a PEM file with a certificate, those between it and its authority, and its key.
        folders: hold a folder for each registry, named `host` or `host:port`; by default Docker's and Podman's.
    """

    ca: str | None = None
    client_cert: str | None = None
    folders: tuple[Path, ...] | None = None


class Contexts:
    """TLS contexts, made once each: reading the machine's authorities takes longer than a small request.

    Args:
        tls: what is trusted.
    """

    def __init__(self, tls: Tls) -> None:
        self._tls = tls
        self._lock = threading.Lock()
        self._made: dict[tuple[tuple[Path, ...], bool], ssl.SSLContext] = {}

    def get(self, host: str, *, identified: bool) -> ssl.SSLContext:
        """The context for a host.

        Args:
            host: `host` or `host:port`.
            identified: whether it may see our certificate; hosts that a registry redirects to may not.

        Raises:
            ConfigError: a certificate or key cannot be read.
        """
        files = tuple(sorted(path for folder in self._folders(host) for path in folder.iterdir()))
        with self._lock:
            key = (files, identified)
            if key not in self._made:
                self._made[key] = self._make(files, identified)
            return self._made[key]

    def knows(self, host: str) -> bool:
        """Whether a host has a folder, and so speaks TLS."""
        return bool(self._folders(host))

    def _folders(self, host: str) -> list[Path]:
        folders = self._tls.folders if self._tls.folders is not None else certificate_folders()
        return [folder / host for folder in folders if os.access(folder / host, os.R_OK | os.X_OK)]

    def _make(self, files: Iterable[Path], identified: bool) -> ssl.SSLContext:
        context = create_urllib3_context()
        context.load_default_certs()
        if self._tls.ca:
            _trust(context, Path(self._tls.ca))
        if identified and self._tls.client_cert:
            _identify(context, Path(self._tls.client_cert), None)
        for path in files:
            if path.suffix == ".crt":
                _trust(context, path)
            elif identified and path.suffix == ".cert":
                _identify(context, path, path.with_suffix(".key"))
        return context


def _trust(context: ssl.SSLContext, path: Path) -> None:
    try:
        context.load_verify_locations(path)
    except (OSError, ssl.SSLError) as error:
        raise ConfigError(
            f"the authorities in {path} cannot be read: {error.strerror or error}", "name a PEM file"
        ) from None


def _identify(context: ssl.SSLContext, path: Path, key: Path | None) -> None:
    try:
        # Without a password of its own, OpenSSL would ask the terminal for one.
        context.load_cert_chain(path, key, password="")
    except (OSError, ssl.SSLError) as error:
        raise ConfigError(
            f"the client certificate {path} cannot be read: {error.strerror or error}",
            "name a PEM file that holds the certificate and its key, unencrypted",
        ) from None
