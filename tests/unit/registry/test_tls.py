from __future__ import annotations

from pathlib import Path

import pytest

from fairing_kfp.errors import ConfigError
from fairing_kfp.registry.stop import Stop
from fairing_kfp.registry.tls import Tls, TlsContexts


@pytest.mark.parametrize("field", ["ca", "client_cert"])
@pytest.mark.parametrize("content", [None, "no PEM"])
def test_certificates_that_cannot_be_read(tmp_path: Path, field: str, content: str | None) -> None:
    path = tmp_path / "file.pem"
    if content:
        path.write_text(content)
    with pytest.raises(ConfigError, match="cannot read") as caught:
        TlsContexts(Tls(**{field: str(path)}), Stop()).get("example.com", with_client_cert=True)
    assert str(path) in caught.value.message


def test_other_hosts_do_not_receive_the_client_certificate(tmp_path: Path) -> None:
    """It is not even loaded for them."""
    contexts = TlsContexts(Tls(client_cert=str(tmp_path / "missing.pem"), folders=()), Stop())
    assert contexts.get("storage.example.com", with_client_cert=False)
    assert contexts.get("storage.example.com", with_client_cert=False) is contexts.get(
        "other.example.com", with_client_cert=False
    )
