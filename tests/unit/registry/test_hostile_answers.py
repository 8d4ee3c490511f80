"""Every step of a push against every hostile answer: it ends in an error that names a remedy, or succeeds."""

from __future__ import annotations

import base64
import json
import re
import threading
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

from fairing_kfp.builders.append import AppendBuilder
from fairing_kfp.cache.store import Cache
from fairing_kfp.errors import FairingError
from fairing_kfp.registry.client import RegistryClient
from fairing_kfp.registry.credentials import Credentials, StaticCredentials
from fairing_kfp.registry.retry import RetryPolicy
from tests.support.hostile_registry import LOGIN, STEPS, HostileRegistry, hostile_registry, secrets_sent
from tests.support.small_images import image, layer

ESCAPES = "\x1b]0;owned\x07\x1b[2J\x9b31m\u202e\r\x08"
DEEP = b"[" * 100_000
DIGITS = b"9" * 400


def raw(status: object = 200, body: bytes = b"", **headers: object) -> bytes:
    """A response; underscores in names of headers stand for hyphens."""
    lines = [f"HTTP/1.1 {status} X".encode("latin-1", "replace")]
    for name, value in {"Content-Length": len(body), **headers}.items():
        lines.append(f"{name.replace('_', '-')}: {value}".encode())
    return b"\r\n".join(lines) + b"\r\n\r\n" + body


def error(code: object, message: object) -> bytes:
    return json.dumps({"errors": [{"code": code, "message": message}]}).encode()


BODIES = {
    "empty": b"",
    "null": b"null",
    "list": b"[]",
    "number": b"5",
    "text": b'"x"',
    "html": b"<html>" + b"x" * 5000,
    "not-utf8": b"\xff\xfe\x00\x81",
    "bom": b"\xef\xbb\xbf{}",
    "surrogate": b'{"errors": [{"message": "\\ud800\\udc00\\ud800"}]}',
    "deep": DEEP,
    "deep-objects": b'{"errors":' * 50_000,
    "deep-closed": b'{"errors":[' + b"[" * 50_000 + b"]" * 50_000 + b"]}",
    "digits": b'{"errors": [{"code": %b}], "size": %b}' % (DIGITS * 20, DIGITS),
    "no-errors": b'{"errors": []}',
    "errors-null": b'{"errors": [null]}',
    "errors-table": b'{"errors": {"0": 1}}',
    "types": error(["x"], {"a": ESCAPES}),
    "escapes": error(ESCAPES, ESCAPES * 1000),
    "plain-escapes": ESCAPES.encode(),
    "env-null": b'{"config": {"Env": [null]}, "rootfs": {"diff_ids": []}}',
    "index": b'{"schemaVersion": 2, "manifests": [{"mediaType": [], "digest": 5, "size": "x"}]}',
    "layers": b'{"schemaVersion": 2, "config": {}, "layers": [{"digest": "sha256:\x1b", "size": %b}]}' % DIGITS,
    "media-type": json.dumps({"schemaVersion": 2, "mediaType": ESCAPES * 1000}).encode(),
    "platforms": json.dumps(
        {
            "schemaVersion": 2,
            "manifests": [
                {
                    "mediaType": "application/vnd.oci.image.manifest.v1+json",
                    "digest": f"sha256:{'a' * 64}",
                    "size": 1,
                    "platform": {"os": f"linux{number}", "architecture": ESCAPES if number % 2 else "amd64"},
                }
                for number in range(999)
            ],
        }
    ).encode(),
    "large": b"x" * (5 << 20),
    "token-null": b'{"token": null, "access_token": {}}',
    "token-control": json.dumps({"token": f"a\r\nHost: evil{ESCAPES}"}).encode(),
    "token-long": json.dumps({"token": "a" * 500_000}).encode(),
    **{
        f"expires-{number}": b'{"token": "n0t-a-real-one", "expires_in": %b}' % value
        for number, value in enumerate((DIGITS, b"-" + DIGITS, b"1e999", b"NaN", b"[]", b"{}", b'"x"', b"true", b"-1"))
    },
}
LOCATIONS = ["", "http://[", "\\\\evil", "http://a:b@127.0.0.1/", "ftp://x/", "http://127.0.0.1:99999/", "x" * 40_000]
HEADERS = {
    "no-colon": b"HTTP/1.1 200 OK\r\nnonsense\r\n\r\n",
    "many": b"HTTP/1.1 200 OK\r\n" + b"a: b\r\n" * 2000 + b"\r\n",
    "long": b"HTTP/1.1 200 OK\r\na: " + b"b" * 100_000 + b"\r\n\r\n",
    "no-end": b"HTTP/1.1 200 OK\r\n",
    "status-line": b"ICY 200 \x1b[2J\r\n\r\n",
    "status-long": b"HTTP/1.1 200 " + b"x" * 100_000 + b"\r\n\r\n",
    "status-text": b"HTTP/1.1 abc OK\r\n\r\n",
    "status-negative": b"HTTP/1.1 -1 OK\r\n\r\n",
    "status-large": b"HTTP/1.1 99999999999 OK\r\n\r\n",
    "nothing": b"",
    "binary": bytes(range(256)),
    "continue": b"HTTP/1.1 100 Continue\r\n\r\n" * 20_000,
    "challenge-spaces": raw(401, WWW_Authenticate="Bearer" + " " * 60_000 + "\x01"),
    "challenge-commas": raw(401, WWW_Authenticate="Bearer" + " ," * 30_000 + "="),
    "challenge-quotes": raw(401, WWW_Authenticate='Bearer realm="' + "\\" * 60_000),
    "challenge-escapes": raw(401, WWW_Authenticate=f'Bearer realm="{ESCAPES[:1]}x"'),
    "challenge-unsafe": raw(401, WWW_Authenticate='Bearer realm="https://evil\\\\@127.0.0.1/"'),
    "challenge-basic": raw(401, WWW_Authenticate="Basic"),
    "digest": raw(201, Docker_Content_Digest=ESCAPES.replace("\r", "") * 100),
    "encoding": raw(body=b"not gzip", Content_Encoding="gzip"),
    "type": raw(body=b"{}", Content_Type="text/html; charset=\x1b"),
    "min-chunk": raw(202, Location="/upload/1", OCI_Chunk_Min_Length="9" * 18),
    **{
        f"length-{value}": raw(Content_Length=value)
        for value in (-1, "1e3", "9" * 30, "9" * 5000, "1, 2", "", "\u0663")
    },
    **{
        f"chunk-{number}": raw(body=chunk, Transfer_Encoding="chunked", Content_Length="")
        for number, chunk in enumerate(
            (
                b"-1\r\n",
                b"zz\r\n",
                b"ffffffffffffffffff\r\nx",
                b"5\r\nab",
                b"\x1b[2J\r\n",
                b"1" * 100_000,
                b"0\r\n" + b"a: b\r\n" * 10_000,
            )
        )
    },
    **{
        f"retry-{value}": raw(503, Retry_After=value)
        for value in ("-1", "nan", "1e400", "9" * 400, "Fri", "\x1b", "61")
    },
    **{f"redirect-{n}": raw(307, Location=value) for n, value in enumerate(LOCATIONS)},
    **{f"session-{n}": raw(202, Location=value) for n, value in enumerate(LOCATIONS)},
}
ANSWERS = {
    **{f"200-{name}": raw(200, body) for name, body in BODIES.items()},
    **{
        f"{status}-{name}": raw(status, BODIES[name])
        for status in (400, 401, 404, 500)
        for name in BODIES
        if "-" not in name
    },
    **{f"status-{status}": raw(status) for status in (101, 199, 201, 202, 204, 206, 304, 405, 416, 418, 429, 599, 999)},
    **HEADERS,
}


@pytest.fixture(scope="module")
def registry() -> Iterator[HostileRegistry]:
    with hostile_registry() as running:
        yield running


def publish(registry: HostileRegistry, folder: Path) -> FairingError | None:
    """Pushes an image; returns the error. Any other exception is a failure of the test."""
    policy = RetryPolicy(attempts=1, connect=5, read=5, commit=5)
    credentials = StaticCredentials({registry.host: Credentials(*LOGIN)})
    client = RegistryClient(credentials=credentials, retry_policy=policy)
    builder = AppendBuilder(f"{registry.host}/team/app", cache=Cache(folder), client=client, workers=1)
    try:
        builder.publish(image(f"{registry.host}/base:1", layer("code")))
    except FairingError as raised:
        return raised
    finally:
        builder.close()
        client.close()
    return None


def assert_fit_to_show(raised: FairingError) -> None:
    shown = str(raised)
    assert raised.remedy
    assert len(shown) < 2000
    assert all(c.isprintable() or c == "\n" for c in shown)
    assert not any(secret in shown for secret in secrets_sent())


def test_without_a_hostile_answer_it_works(registry: HostileRegistry, tmp_path: Path) -> None:
    registry.step = ""
    assert publish(registry, tmp_path) is None


def steps_of(name: str) -> Iterable[str]:
    """The steps that read the body of a response with this status; headers are read at every step."""
    read = {"200": ("token", "manifest", "config"), "401": ("token", "mount"), "404": ("manifest", "session", "push")}
    return STEPS if name in HEADERS else read.get(name[:3], ("token", "config", "mount", "upload"))


BODIES_OF = {"token": "token", "expires": "token", "env": "config", "index": "manifest", "layers": "manifest"}
"""The steps whose content a body resembles, by the first word of its name."""


def some_steps_of(name: str) -> Iterable[str]:
    """A fifth of the steps, from another one for each answer."""
    status, *words = name.split("-")
    if status == "200" and words[0] in BODIES_OF:
        return (BODIES_OF[words[0]],)
    steps = tuple(steps_of(name))
    return steps[list(ANSWERS).index(name) % min(5, len(steps)) :: 5]


def test_some_steps_are_all_steps() -> None:
    for names in (HEADERS, ANSWERS.keys() - HEADERS.keys()):
        assert {step for name in names for step in some_steps_of(name)} == {s for name in names for s in steps_of(name)}


@pytest.mark.parametrize("name", ANSWERS)
def test_each_hostile_answer_at_some_steps(registry: HostileRegistry, tmp_path: Path, name: str) -> None:
    assert_refused_or_right(registry, tmp_path, name, some_steps_of(name))


@pytest.mark.exhaustive
@pytest.mark.parametrize("name", ANSWERS)
def test_each_hostile_answer_at_each_step(registry: HostileRegistry, tmp_path: Path, name: str) -> None:
    assert_refused_or_right(registry, tmp_path, name, steps_of(name))


def assert_refused_or_right(registry: HostileRegistry, folder: Path, name: str, steps: Iterable[str]) -> None:
    threads = threading.active_count()
    for step in steps:
        registry.step, registry.answer, registry.seen = step, ANSWERS[name], 0
        raised = publish(registry, folder / step)
        assert registry.seen, f"the push did not come to {step}"
        assert registry.seen < 30
        if raised:
            assert_fit_to_show(raised)
    assert threading.active_count() < threads + 50


ECHOES = {
    "error": lambda sent: raw(400, error("DENIED", f"bad login {sent}")),
    "plain": lambda sent: raw(403, f"you sent {sent}".encode()),
    "json-escaped": lambda sent: raw(500, error(sent, json.dumps(sent))),
    "digest": lambda sent: raw(201, Docker_Content_Digest=sent),
    "location": lambda sent: raw(307, Location=f"http://me@{sent}/"),
    "session": lambda sent: raw(202, Location=f"ftp://{sent}/"),
    "realm": lambda sent: raw(401, WWW_Authenticate=f'Bearer realm="ftp://{sent}"'),
    "status-line": lambda sent: f"{sent} {sent}\r\n\r\n".encode(),
    "chunk": lambda sent: raw(body=f"{sent}\r\n".encode(), Transfer_Encoding="chunked", Content_Length=""),
    "media-type": lambda sent: raw(body=json.dumps({"schemaVersion": 2, "mediaType": sent}).encode()),
}


def sent_secrets(request: bytes) -> str:
    """What a server can read from a request: its Authorization header, and the password in it."""
    found = re.search(rb"(?im)^authorization: *(\S+) (\S+)", request)
    if not found:
        return "nothing"
    value = found[2].decode()
    return f"{value}~{base64.b64decode(value).decode()}" if found[1] == b"Basic" else value


@pytest.mark.parametrize("name", ECHOES)
def test_no_secret_that_a_registry_returns_is_shown(registry: HostileRegistry, tmp_path: Path, name: str) -> None:
    for step in STEPS:
        registry.step, registry.answer, registry.seen = step, lambda sent: ECHOES[name](sent_secrets(sent)), 0
        raised = publish(registry, tmp_path / step)
        if raised:
            assert_fit_to_show(raised)
