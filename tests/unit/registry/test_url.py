"""URLs about whose host parsers disagree, and what is sent for the others."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from urllib3.util import parse_url

from fairing_kfp.registry.url import InvalidUrlError, Url

AMBIGUOUS = [
    "https://evil.example\\@registry.example/v2/",
    "https://registry.example\\.evil.example/",
    "https:\\\\evil.example/",
    "\\\\evil.example/",
    "/v2/\\evil",
    "https://me:pass@registry.example/",
    "https://registry.example@evil.example/",
    "https://@registry.example/",
    "https://registry.example%40evil.example/",
    "https://registry%2eexample/",
    "https://evil%00.registry.example/",
    "https://registry.exämple/",
    "https://registry.example。evil/",
    "https://registry.example:0/",
    "https://registry.example:080/",
    "https://registry.example:65536/",
    "https://registry.example:99999999999999999999/",
    "https://registry.example:-1/",
    "https://registry.example:+443/",
    "https://registry.example:\uff14\uff14\uff13/",
    "https://registry.example:443:80/",
    "https://registry.example:/",
    "https://registry.example:port/",
    " https://registry.example/",
    "https://registry.example/ ",
    "https://registry.example /",
    "https://regis\ttry.example/",
    "https://registry.example/\r\nHost: evil",
    "https://registry.example/\0",
    "/v2/\x1b[31m",
    "/v2/\x7f",
    "https://registry..example/",
    "https://.registry.example/",
    "https://registry.example./",
    f"https://{'a' * 64}.example/",
    f"https://{'a.' * 200}example/",
    f"/{'a' * 40_000}",
    "https://-evil.example/",
    "https://[::1/",
    "https://[::1]evil/",
    "https://[::1%25eth0]/",
    "https://[evil.example]/",
    "https://::1/",
    "https://2130706433/",
    "https://0x7f000001/",
    "https://127.1/",
    "https://127.0.0.1.1/",
    "https://0177.0.0.1/",
    "https://",
    "https:///path",
    "https://?query",
    "https:evil",
    "https:/evil",
    "///evil",
    "ftp://registry.example/",
    "file:///etc/passwd",
    "javascript:alert(1)",
    "data:text/plain,x",
]
BASE = Url.parse("https://registry.example:5000/v2/team/app/blobs/uploads/")


@pytest.mark.parametrize("text", AMBIGUOUS)
def test_ambiguous_urls_are_rejected(text: str) -> None:
    with pytest.raises(InvalidUrlError) as caught:
        BASE.join(text)
    assert str(caught.value).isprintable()
    with pytest.raises(InvalidUrlError):
        Url.parse(text)


@pytest.mark.parametrize(
    ("reference", "url"),
    [
        ("1", "https://registry.example:5000/v2/team/app/blobs/uploads/1"),
        ("/v2/1?state=a%2Fb==", "https://registry.example:5000/v2/1?state=a%2Fb=="),
        ("?state=1", "https://registry.example:5000/v2/team/app/blobs/uploads/?state=1"),
        ("//Storage.Example/x", "https://storage.example/x"),
        ("HTTPS://xn--exmple-cua.example/x#part", "https://xn--exmple-cua.example/x"),
        ("http://10.0.0.1:80", "http://10.0.0.1:80/"),
        ("https://[2001:DB8::0:1]:443/x", "https://[2001:db8::1]:443/x"),
        ("https://team_storage.example/a:b@c", "https://team_storage.example/a:b@c"),
    ],
)
def test_what_a_registry_may_refer_to(reference: str, url: str) -> None:
    assert str(BASE.join(reference)) == url


def test_origins() -> None:
    assert Url.parse("https://Registry.example/a").origin == Url.parse("https://registry.example:443/b?c").origin
    for other in ("http://registry.example/", "https://registry.example:444/", "https://registry.example.org/"):
        assert Url.parse(other).origin != Url.parse("https://registry.example/").origin


@pytest.mark.parametrize("name", ["a/b", "a?b", "a#b", "me@host", "host:0", "host:65536", "a b", "", "\x1b[31m"])
def test_malformed_registries(name: str) -> None:
    with pytest.raises(InvalidUrlError):
        Url.of_registry("https", name)


@given(
    st.lists(
        st.sampled_from(["https:", "http:", "//", "/", "\\", "@", ":", "#", "?", ".", "%2f", "[", "]", "::1", "evil"])
        | st.sampled_from(["registry.example", "443", "5000", "127.0.0.1", "\t", " ", "é", "..", "xn--a"])
        | st.characters(max_codepoint=300),
        max_size=8,
    ).map("".join)
)
def test_what_is_sent_has_the_host_that_was_decided_about(text: str) -> None:
    try:
        url = BASE.join(text)
    except InvalidUrlError:
        return
    sent = parse_url(str(url))
    assert (sent.scheme, (sent.host or "").strip("[]"), sent.port) == (url.scheme, url.host, url.port)
    assert sent.auth is None
    assert Url.parse(str(url)) == url
