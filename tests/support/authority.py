"""A certificate authority for tests, and certificates that it signs."""

from __future__ import annotations

import ssl
import subprocess
from dataclasses import dataclass
from pathlib import Path

from tests.support.services import TESTBED

NAMES = f"DNS:localhost,DNS:registry.example.com,DNS:{TESTBED.partition(':')[0]},IP:127.0.0.1"


@dataclass(frozen=True)
class Authority:
    """A certificate authority in a folder, made by OpenSSL.

    Attributes:
        folder: the folder.
        ca: certificate of the authority.
        server: certificate and key of a server on this machine.
        client: certificate and key of a client.
    """

    folder: Path

    @property
    def ca(self) -> Path:
        return self.folder / "ca.pem"

    @property
    def server(self) -> Path:
        return self.folder / "server.pem"

    @property
    def client(self) -> Path:
        return self.folder / "client.pem"

    def server_context(self) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.server)
        return context

    def trusted_for(self, folder: Path, host: str) -> Path:
        """A folder like `certs.d` that trusts the authority for a host."""
        (folder / host).mkdir(parents=True, exist_ok=True)
        (folder / host / "ca.crt").write_bytes(self.ca.read_bytes())
        return folder


def make_authority(folder: Path) -> Authority:
    """Makes an authority, and the certificates of a server and a client."""
    folder.mkdir(parents=True, exist_ok=True)

    def openssl(*arguments: str) -> None:
        subprocess.run(["openssl", *arguments], check=True, capture_output=True, cwd=folder)

    new = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    usage = ["-addext", "keyUsage=critical,keyCertSign,cRLSign"]
    openssl("req", "-x509", *new, "-days", "2", "-subj", "/CN=tests", *usage, "-keyout", "ca.key", "-out", "ca.pem")
    for name, extension in (("server", f"subjectAltName={NAMES}"), ("client", "extendedKeyUsage=clientAuth")):
        (folder / "extensions").write_text(
            f"{extension}\nauthorityKeyIdentifier=keyid\nbasicConstraints=critical,CA:FALSE\n"
        )
        openssl("req", *new, "-subj", f"/CN={name}", "-keyout", f"{name}.key", "-out", f"{name}.csr")
        signed = ["-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days", "2", "-extfile", "extensions"]
        openssl("x509", "-req", "-in", f"{name}.csr", *signed, "-out", f"{name}.crt")
        both = (folder / f"{name}.crt").read_bytes() + (folder / f"{name}.key").read_bytes()
        (folder / f"{name}.pem").write_bytes(both)
    return Authority(folder)
