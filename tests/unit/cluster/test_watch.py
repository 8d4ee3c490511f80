from __future__ import annotations

import contextlib
import http.server
import json
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fairing_kfp.cluster.client import Cluster
from fairing_kfp.cluster.connect import ClusterConfig
from fairing_kfp.cluster.kinds import POD
from fairing_kfp.cluster.watch import Change, Updates, View, follow, watch
from fairing_kfp.errors import ClusterError
from tests.support.http_servers import running

Answer = tuple[int, dict[str, str], str]


def item(uid: str, version: int, **more: Any) -> dict[str, Any]:
    return {"metadata": {"uid": uid, "name": "a", "namespace": "n", "resourceVersion": str(version)}, **more}


def listed(version: int, *items: dict[str, Any]) -> Answer:
    return 200, {}, json.dumps({"metadata": {"resourceVersion": str(version)}, "items": items})


def events(*pairs: tuple[str, dict[str, Any]]) -> Answer:
    return 200, {}, "".join(json.dumps({"type": kind, "object": one}) + "\n" for kind, one in pairs)


GONE = {"kind": "Status", "code": 410, "reason": "Expired", "message": "too old resource version"}


@pytest.fixture
def scripted() -> Iterator[Callable[[list[Answer]], tuple[Cluster, list[str]]]]:
    """Starts an API server with scripted responses, which a real one gives after minutes or in trouble."""
    servers = contextlib.ExitStack()

    def start(answers: list[Answer]) -> tuple[Cluster, list[str]]:
        asked: list[str] = []

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                asked.append(self.path)
                status, headers, body = answers.pop(0)
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body.encode())

            def log_message(self, *_: object) -> None:
                pass

        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        servers.enter_context(running(server))
        return Cluster(lambda: ClusterConfig(f"http://127.0.0.1:{server.server_port}"), retry_timeout=5), asked

    with servers:
        yield start


@pytest.mark.parametrize("expired", [events(("ERROR", GONE)), (410, {}, json.dumps(GONE))])
def test_expired_version_is_listed_again(scripted: Any, expired: Answer) -> None:
    bookmark = ("BOOKMARK", {"metadata": {"resourceVersion": "7"}})
    cluster, asked = scripted(
        [
            listed(5, item("u", 3)),
            events(("MODIFIED", item("u", 6)), bookmark),
            expired,
            listed(9, item("u", 6)),
            events(("MODIFIED", item("u", 10))),
        ]
    )
    states = follow(cluster, POD, "a", "n", seconds=30)
    # The second list repeats a state, which is not yielded again.
    assert [next(states)["metadata"]["resourceVersion"] for _ in range(3)] == ["3", "6", "10"]
    assert ["resourceVersion=" in path for path in asked] == [False, True, True, False, True]
    assert "resourceVersion=7" in asked[2]
    assert "resourceVersion=9" in asked[4]


def test_incomplete_event_is_requested_again(scripted: Any) -> None:
    whole = json.dumps({"type": "MODIFIED", "object": item("u", 6)})
    cluster, _ = scripted([listed(5, item("u", 3)), (200, {}, whole[:40]), (200, {}, whole + "\n")])
    states = follow(cluster, POD, "a", "n", seconds=30)
    assert [next(states)["metadata"]["resourceVersion"] for _ in range(2)] == ["3", "6"]


def test_busy_server_is_retried_after_its_pause(scripted: Any) -> None:
    busy = (429, {"Retry-After": "1"}, "busy")
    cluster, asked = scripted([busy, (503, {}, ""), (500, {}, "etcdserver: leader changed"), listed(5, item("u", 3))])
    assert next(watch(cluster, POD, "n")).object["metadata"]["uid"] == "u"
    assert len(asked) == 4


def test_longer_pause_than_the_retry_timeout_is_an_error(scripted: Any) -> None:
    cluster, _ = scripted([(429, {"Retry-After": "60"}, json.dumps({"message": "too many requests"}))])
    with pytest.raises(ClusterError, match="too many requests"):
        cluster.request("GET", "/version")


_EVENTS = st.lists(st.tuples(st.sampled_from("abc"), st.booleans()), max_size=30)


@given(_EVENTS, st.lists(st.integers(0, 30), max_size=3))
def test_list_restores_lost_events(history: list[tuple[str, bool]], lost: list[int]) -> None:
    """Whichever events are lost, the changes of the next list lead to the current state."""
    there: dict[str, int] = {}
    heard: dict[str, str] = {}
    view = View("0", {})

    def hear(changes: list[Any]) -> None:
        for change in changes:
            uid = change.object["metadata"]["uid"]
            heard.pop(uid, None) if change.deleted else heard.update(
                {uid: change.object["metadata"]["resourceVersion"]}
            )

    for version, (uid, alive) in enumerate(history, start=1):
        kind = ("MODIFIED" if uid in there else "ADDED") if alive else "DELETED"
        if not alive and uid not in there:
            continue
        there.pop(uid, None) if not alive else there.update({uid: version})
        if version not in lost:
            view, changes = view.updated({"type": kind, "object": item(uid, version)})
            hear(changes)
    items = [item(uid, version) for uid, version in there.items()]
    view, changes = view.listed({"metadata": {"resourceVersion": "99"}, "items": items})
    hear(changes)
    assert heard == {uid: str(version) for uid, version in there.items()}
    assert view.listed({"metadata": {"resourceVersion": "99"}, "items": items})[1] == []


def test_updates_merge_watches_until_one_fails() -> None:
    updates = Updates()
    assert updates.get(timeout=0) is None

    def failing() -> Iterator[Change]:
        yield Change(item("u", 1))
        raise ClusterError("gone")

    updates.add(failing())
    assert updates.get(timeout=5) == Change(item("u", 1))
    with pytest.raises(ClusterError, match="gone"):
        updates.get(timeout=5)
    assert updates.is_empty()
    updates.fail(ClusterError("from elsewhere"))
    with pytest.raises(ClusterError, match="from elsewhere"):
        updates.get(timeout=5)


def test_closed_updates_stop_reading() -> None:
    updates, read = Updates(), threading.Event()

    def states() -> Iterator[Change]:
        try:
            yield Change(item("u", 1))
            yield Change(item("u", 2))
        finally:
            read.set()

    updates.close()
    updates.add(states())
    assert read.wait(5)
    assert updates.is_empty()
