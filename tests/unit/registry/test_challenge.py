from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fairing_kfp.registry.challenge import parse_challenges

HUB = 'Bearer realm="https://auth.docker.io/token",service="registry.docker.io",scope="repository:me/app:pull,push"'
BEARER = {
    "realm": "https://auth.docker.io/token",
    "service": "registry.docker.io",
    "scope": "repository:me/app:pull,push",
}


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ([HUB], {"bearer": BEARER}),
        (['Basic realm="Registry Realm"'], {"basic": {"realm": "Registry Realm"}}),
        (['BASIC REALM="a\\"b"'], {"basic": {"realm": 'a"b'}}),
        ([HUB, "Basic realm=x"], {"bearer": BEARER, "basic": {"realm": "x"}}),
        ([f'Basic realm="x", {HUB}'], {"bearer": BEARER, "basic": {"realm": "x"}}),
        (["Negotiate, Basic realm=x"], {"negotiate": {}, "basic": {"realm": "x"}}),
        (['Bearer realm = "https://a/b" , service = "c"'], {"bearer": {"realm": "https://a/b", "service": "c"}}),
        ([], {}),
        ([""], {}),
        (['"'], {}),
        (["realm=lost"], {}),
    ],
)
def test_challenges_are_parsed(headers: list[str], expected: dict[str, dict[str, str]]) -> None:
    assert {scheme: one.parameters for scheme, one in parse_challenges(headers).items()} == expected


@given(
    st.lists(
        st.text(max_size=80) | st.from_regex(r'([A-Za-z]{1,6} ([a-z]{1,6}="[^"]{0,9}",? ?){0,3}){0,3}', fullmatch=True),
        max_size=3,
    )
)
def test_any_header_is_parsed_or_ignored(headers: list[str]) -> None:
    parse_challenges(headers)


@given(st.dictionaries(st.from_regex("[a-z]{1,8}", fullmatch=True), st.text(max_size=20), max_size=4))
def test_quoted_parameters_round_trip(parameters: dict[str, str]) -> None:
    quoted = ",".join(
        '{}="{}"'.format(name, value.replace("\\", "\\\\").replace('"', '\\"')) for name, value in parameters.items()
    )
    found = parse_challenges([f"Bearer {quoted}"])["bearer"].parameters
    assert {name: value for name, value in parameters.items() if "\n" not in value} == {
        name: value for name, value in found.items() if "\n" not in value
    }
