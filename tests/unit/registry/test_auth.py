"""Tokens: their renewal, the credentials they are requested with, and unsupported challenges."""

from __future__ import annotations

import io
import json
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fairing_kfp.errors import FairingError
from fairing_kfp.registry.auth import Authorizer, pull, push
from fairing_kfp.registry.challenge import Challenge, parse_challenges
from fairing_kfp.registry.credentials import Credentials
from fairing_kfp.registry.response import Response
from fairing_kfp.registry.transport import Transport

BEARER = {"bearer": Challenge("bearer", {"realm": "https://tokens.example.com/", "service": "s"})}
ACCESS = frozenset({push("team/app"), pull("base/python")})


class Tokens(Transport):
    """Returns numbered tokens."""

    def __init__(self, expires_in: float = 100) -> None:
        super().__init__()
        self.expires_in = expires_in
        self.given = 0

    def send(self, *_: Any) -> Response:
        self.given += 1
        body = json.dumps({"token": f"t{self.given}", "expires_in": self.expires_in}).encode()
        return Response("GET", io.BytesIO(b"HTTP/1.1 200 OK\r\n\r\n" + body))


class Asked:
    """Records the repositories that credentials are looked up for."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str]] = []

    def for_repository(self, registry: str, repository: str) -> Credentials | None:
        self.asked.append((registry, repository))
        return None


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    now = [1000.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    return now


@pytest.mark.parametrize(
    ("age", "duration", "renewed"),
    [
        (20, 0, False),
        (20, 50, False),
        (30, 50, True),
        (30, 10_000, True),
        (20, 10_000, False),
        (74, 0, False),
        (76, 0, True),
    ],
)
def test_a_token_is_renewed_before_a_request_that_outlasts_it(
    clock: list[float], age: float, duration: float, renewed: bool
) -> None:
    """At most half the lifetime counts: otherwise every long upload would fetch a token."""
    authorizer = Authorizer(Tokens(100), Asked())
    assert authorizer.answer_challenge("example.com", BEARER, ACCESS, None) == "Bearer t1"
    clock[0] += age
    assert authorizer.header("example.com", ACCESS, duration) == ("Bearer t2" if renewed else "Bearer t1")


@pytest.mark.parametrize("life", [0, -5, float("nan"), float("inf"), 1e300])
def test_any_token_lifetime_is_accepted(clock: list[float], life: float) -> None:
    authorizer = Authorizer(Tokens(life), Asked())
    assert authorizer.answer_challenge("example.com", BEARER, ACCESS, None) == "Bearer t1"
    assert authorizer.header("example.com", ACCESS) == "Bearer t1"


@pytest.mark.parametrize(
    ("access", "repository"),
    [(ACCESS, "team/app"), ({pull("base/python")}, "base/python"), (set(), "")],
)
def test_credentials_are_looked_up_for_the_repository_to_push_to(access: Any, repository: str) -> None:
    store = Asked()
    Authorizer(Tokens(), store).answer_challenge("example.com", BEARER, frozenset(access), None)
    assert store.asked[0] == ("example.com", repository)


TEXT = st.text(st.characters(codec="latin-1", exclude_characters="\r\n"), max_size=40)
VALUE = TEXT | st.sampled_from(
    ["https://tokens.example.com/", "http://127.0.0.1:1/", "//", "https://[", "repository:a:pull"]
)
HEADER = st.builds(
    lambda scheme, pairs: f"{scheme} " + ",".join(f'{name}="{value}"' for name, value in pairs),
    st.sampled_from(["Bearer", "bearer", "Basic", "Negotiate", "DPoP"]),
    st.lists(st.tuples(st.sampled_from(["realm", "service", "scope", "error", "charset"]), VALUE), max_size=4),
)


@given(st.lists(HEADER | TEXT, max_size=3))
def test_any_challenge_yields_a_header_or_an_error_with_a_remedy(headers: list[str]) -> None:
    authorizer = Authorizer(Tokens(), Asked())
    try:
        header = authorizer.answer_challenge("example.com", parse_challenges(headers), ACCESS, None)
    except FairingError as error:
        header = None if error.remedy else error.message
    assert header in (None, "Bearer t1")
