from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fairing_kfp.errors import InvalidReferenceError
from fairing_kfp.image import Reference

DIGEST = "sha256:" + "0123456789abcdef" * 4


@pytest.mark.parametrize(
    ("text", "full"),
    [
        ("python", "docker.io/library/python"),
        ("python:3.12-slim", "docker.io/library/python:3.12-slim"),
        ("bitnami/python", "docker.io/bitnami/python"),
        ("docker.io/python:3", "docker.io/library/python:3"),
        ("index.docker.io/bitnami/python", "docker.io/bitnami/python"),
        ("localhost/me", "localhost/me"),
        ("localhost:5000/me:1", "localhost:5000/me:1"),
        ("registry.testbed:5000/base/python:3.11", "registry.testbed:5000/base/python:3.11"),
        ("[::1]:5000/me", "[::1]:5000/me"),
        ("ghcr.io/a/b/c__d/e-f--g.h", "ghcr.io/a/b/c__d/e-f--g.h"),
        ("UPPER/me", "UPPER/me"),  # only a host may have capitals
        (f"python@{DIGEST}", f"docker.io/library/python@{DIGEST}"),
        (f"python:3.12@{DIGEST}", f"docker.io/library/python:3.12@{DIGEST}"),
    ],
)
def test_references_are_parsed_as_docker_does(text: str, full: str) -> None:
    assert str(Reference.parse(text)) == full


@pytest.mark.parametrize(
    "text",
    [
        "",
        "python:",
        "python@",
        "Python",
        "me/Python:3",
        "a//b",
        "/a",
        "a/",
        "-a",
        "a..b",
        "a b",
        "python:3 12",
        "python:-3",
        f"python:{'x' * 129}",
        "python@sha256:abc",
        f"python@sha512:{'0' * 128}",
        f"python@{DIGEST.upper()}",
        "https://registry.example.com/me",
        "registry.example.com:port/me",
        "a" * 256,
        "python:3:12",
        "é",
        "python\n",
        f"python@{DIGEST}\n",
    ],
)
def test_malformed_references_are_rejected(text: str) -> None:
    with pytest.raises(InvalidReferenceError, match="is malformed") as caught:
        Reference.parse(text)
    assert repr(text) in str(caught.value)
    assert caught.value.remedy


def test_the_error_mentions_upper_case_letters() -> None:
    with pytest.raises(InvalidReferenceError, match="upper-case letters"):
        Reference.parse("registry.example.com/Team/App")


COMPONENT = st.from_regex(r"[a-z0-9]{1,8}([._-][a-z0-9]{1,8}){0,2}", fullmatch=True)
REFERENCES = st.builds(
    Reference,
    registry=st.sampled_from(["docker.io", "registry.example.com", "localhost:5000", "10.0.0.1:80", "[::1]:5000"]),
    repository=st.lists(COMPONENT, min_size=2, max_size=4).map("/".join),
    tag=st.none() | st.from_regex(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,127}", fullmatch=True),
    digest=st.none() | st.binary(min_size=32, max_size=32).map(lambda value: f"sha256:{value.hex()}"),
)


@given(REFERENCES)
def test_round_trip(reference: Reference) -> None:
    assert Reference.parse(str(reference)) == reference


@given(st.text(max_size=60) | st.from_regex(r"[a-zA-Z0-9./:@_-]{1,60}", fullmatch=True))
def test_any_text_is_parsed_or_rejected(text: str) -> None:
    try:
        reference = Reference.parse(text)
    except InvalidReferenceError:
        return
    assert Reference.parse(str(reference)) == reference


@given(REFERENCES)
def test_tag_and_digest_replace_each_other(reference: Reference) -> None:
    assert str(reference.with_digest(DIGEST)) == f"{reference.name}@{DIGEST}"
    assert str(reference.with_tag("v1")) == f"{reference.name}:v1"


def test_the_default_tag_is_latest() -> None:
    assert Reference.parse("python").wanted == "latest"
    assert Reference.parse("python:3").wanted == "3"
    assert Reference.parse(f"python:3@{DIGEST}").wanted == DIGEST


@pytest.mark.parametrize("port", ["0", "65536", "99999999999999999999"])
def test_impossible_ports(port: str) -> None:
    with pytest.raises(InvalidReferenceError, match="has no valid port"):
        Reference.parse(f"registry.example.com:{port}/team/app")
    assert Reference.parse("registry.example.com:65535/team/app").registry.endswith(":65535")
