from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fairing_kfp import proxies
from fairing_kfp.errors import ConfigError
from fairing_kfp.proxies import proxy_for
from fairing_kfp.registry.client import RegistryClient
from fairing_kfp.registry.credentials import Anonymous

PROXY = "http://proxy.example.com:3128"


@pytest.mark.parametrize(
    ("url", "exempt", "proxied"),
    [
        ("https://ghcr.io/v2/", "", True),
        ("https://ghcr.io/v2/", "*", False),
        ("https://ghcr.io/v2/", "ghcr.io", False),
        ("https://ghcr.io/v2/", "quay.io, GHCR.io", False),
        ("https://ghcr.io/v2/", "cr.io", True),
        ("https://a.ghcr.io/v2/", "ghcr.io", False),
        ("https://a.ghcr.io/v2/", ".ghcr.io", False),
        ("https://a.ghcr.io/v2/", "*.ghcr.io", False),
        ("https://ghcr.io/v2/", ".ghcr.io", True),
        ("https://ghcr.io:5000/v2/", "ghcr.io:5000", False),
        ("https://ghcr.io/v2/", "ghcr.io:443", False),
        ("https://ghcr.io:5000/v2/", "ghcr.io:443", True),
        ("https://10.1.2.3/v2/", "10.0.0.0/8", False),
        ("https://10.1.2.3:5000/v2/", "10.1.2.3:5000", False),
        ("https://11.1.2.3/v2/", "10.0.0.0/8,2.3", True),
        ("https://[fd00::1]/v2/", "fd00::/8", False),
        ("https://[fd00::1]:5000/v2/", "[fd00::1]:5000", False),
        ("https://localhost/v2/", "", False),
        ("https://127.3.2.1:5000/v2/", "", False),
        ("http://ghcr.io/v2/", "", False),  # HTTP_PROXY is unset
    ],
)
def test_no_proxy(monkeypatch: pytest.MonkeyPatch, url: str, exempt: str, proxied: bool) -> None:
    monkeypatch.setenv("HTTPS_PROXY", PROXY)
    monkeypatch.setenv("NO_PROXY", exempt)
    assert proxy_for(url) == (PROXY if proxied else None)


def test_lower_case_variables_and_a_proxy_without_a_scheme(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "proxy.example.com:3128")
    assert proxy_for("http://ghcr.io/") == PROXY


@pytest.mark.parametrize("proxy", ["http://", "ftp://me:s3cret@proxy", "http://me:s3cret@proxy:port"])
def test_invalid_proxy_urls(monkeypatch: pytest.MonkeyPatch, proxy: str) -> None:
    monkeypatch.setenv("HTTPS_PROXY", proxy)
    with pytest.raises(ConfigError, match="not the URL of a proxy") as caught:
        RegistryClient(credentials=Anonymous()).request(
            "GET", "ghcr.io", "/v2/", access=frozenset(), expected={200}, what="it"
        )
    assert "s3cret" not in str(caught.value)


@given(st.text(max_size=60))
def test_any_exemption_is_parsed(exempt: str) -> None:
    proxies._is_exempt("ghcr.io", 443, exempt)
    proxies._is_exempt("10.1.2.3", 443, exempt)
