"""Requests of a push fail in every way: then the right image is there, or a clear error was raised.

The table of cases is the product of the requests of a push, the faults, and whether they pass; by default an eighth of
it runs, in which every request and every fault occur. In no case is there a tag that names something else than the
right and whole image, and the same push succeeds once the fault is gone.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from fairing_kfp.builders.append import AppendBuilder
from fairing_kfp.cache.store import Cache
from fairing_kfp.errors import NotFoundError, RegistryError
from fairing_kfp.registry.client import RegistryClient
from fairing_kfp.registry.retry import RetryPolicy
from fairing_kfp.registry.tls import Tls
from tests.support.faulty_proxy import FAULTS, FaultyProxy, faulty_proxy
from tests.support.small_images import assert_whole, image, layer, push_small_base

pytestmark = pytest.mark.registry

REQUESTS = {
    # Manifest and config of the base, its layer mounted, POST and PUT of layer and config, the manifest.
    "near": 8,
    # The base's registry, while the layer streams through from it: manifest, config, layer.
    "base": 3,
    # The target's: POST and PUT of the base's layer. What follows is as it is nearby.
    "far": 2,
}
"""The registry that fails, and at how many requests of a push."""

PASSING = frozenset(FAULTS) - {"401", "404", "413"}
HARMLESS = frozenset({"delay", "repeat-request", "repeat-answer"})
CODE = layer("code", b"print('code')")


@dataclass(frozen=True)
class Case:
    place: str
    fault: str
    at: int
    ever: bool

    @property
    def repository(self) -> str:
        return f"{self.place}/{self.fault}/{self.at}{'-ever' if self.ever else ''}"


def cases(place: str, fault: str) -> Iterator[Case]:
    for at, ever in itertools.product(range(REQUESTS[place]), (False, True)):
        yield Case(place, fault, at, ever)


def some_cases(fault: str) -> Iterator[Case]:
    """Every fourth request, from another one for each fault; the fault passes at every other of them."""
    requests = [(place, at) for place, count in REQUESTS.items() for at in range(count)]
    first = FAULTS.index(fault)
    for number, (place, at) in enumerate(requests, first):
        if number % 4 == 0:
            yield Case(place, fault, at, number % 8 == 0)


def test_the_table() -> None:
    table = {case for place, fault in itertools.product(REQUESTS, FAULTS) for case in cases(place, fault)}
    assert len(table) == (8 + 3 + 2) * 19 * 2
    some = {case for fault in FAULTS for case in some_cases(fault)}
    assert some < table
    assert len(some) < len(table) / 7
    assert {(case.fault, case.ever) for case in some} == {(case.fault, case.ever) for case in table}
    assert {(case.place, case.at, case.ever) for case in some} == {(case.place, case.at, case.ever) for case in table}


@dataclass
class Stage:
    """Two registries, of which one is reached through the proxy.

    Attributes:
        target: the target's host, as the builder names it.
        base: that of the base.
        judged: the target without the proxy.
    """

    proxy: FaultyProxy
    target: str
    base: str
    judged: str
    certificates: Path

    def client(self, retry_policy: RetryPolicy) -> RegistryClient:
        return RegistryClient(retry_policy=retry_policy, tls=Tls(folders=(self.certificates,)))

    def publish(self, case: Case, folder: Path, client: RegistryClient) -> str:
        builder = AppendBuilder(
            f"{self.target}/{case.repository}", cache=Cache(folder), client=client, tag="v1", workers=1
        )
        try:
            return builder.publish(image(f"{self.base}/base:1", CODE))
        finally:
            builder.close()


@pytest.fixture(scope="module")
def stages(
    shared_registry: Any, other_shared_registry: Any, shared_bearer: Any, authority: Any, tmp_path_factory: Any
) -> Iterator[Any]:
    """Makes the stage for a place and a fault."""
    client = RegistryClient()
    bearer, token_server = shared_bearer
    for registry in (shared_registry, other_shared_registry, bearer):
        push_small_base(client, registry.host, "base", layer("base", b"base" * 1000))
    context = authority.server_context()
    folder = tmp_path_factory.mktemp("certificates")
    with (
        faulty_proxy(shared_registry.host, context) as to_shared,
        faulty_proxy(other_shared_registry.host, context) as to_other,
        faulty_proxy(bearer.host, context) as to_bearer,
    ):
        life, token_server.expires_in = token_server.expires_in, -100
        to_bearer.expired = token_server.token(["repository:base:pull"])
        token_server.expires_in = life
        for proxy in (to_shared, to_other, to_bearer):
            authority.trusted_for(folder, proxy.host)

        def stage(place: str, fault: str) -> Stage:
            near = to_bearer if fault == "expire" else to_shared
            if place == "near":
                return Stage(near, near.host, near.host, near.backend, folder)
            if place == "far":
                return Stage(near, near.host, other_shared_registry.host, near.backend, folder)
            asked = to_bearer if fault == "expire" else to_other
            return Stage(asked, shared_registry.host, asked.host, shared_registry.host, folder)

        yield stage
    client.close()


@pytest.mark.parametrize("place", REQUESTS)
def test_without_faults(stages: Any, place: str, tmp_path: Path) -> None:
    for fault in ("", "expire"):
        stage = stages(place, fault)
        stage.proxy.plan("", 0, False)
        case = Case(place, f"no-{fault or 'fault'}", 0, False)
        stage.publish(case, tmp_path / (fault or "none"), stage.client(RetryPolicy()))
        others = (fault == "expire") + (5 if place == "far" else 0)  # a challenge; layer, config and manifest
        assert len(stage.proxy.requests) == REQUESTS[place] + others, stage.proxy.requests


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_at_some_requests(stages: Any, fault: str, tmp_path: Path) -> None:
    assert_right_or_refused(stages, fault, some_cases(fault), tmp_path)


@pytest.mark.exhaustive
@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("place", REQUESTS)
def test_a_fault_at_every_request(stages: Any, place: str, fault: str, tmp_path: Path) -> None:
    assert_right_or_refused(stages, fault, cases(place, fault), tmp_path)


def assert_right_or_refused(stages: Any, fault: str, cases: Iterable[Case], tmp_path: Path) -> None:
    soon = 0.2 if fault == "stall" else 20
    hasty = RetryPolicy(attempts=2 if fault == "stall" else 3, first_pause=0, read=soon, commit=soon)
    plain = RegistryClient()
    clients: dict[str, RegistryClient] = {}
    right: dict[str, str] = {}
    for case in cases:
        stage = stages(case.place, fault)
        stage.proxy.stall = 0.5
        folder = tmp_path / f"{case.place}-{case.at}-{case.ever}"
        if fault == "expire" or case.place not in clients:  # a token of before would change which request is first
            clients[case.place] = stage.client(hasty)
        client = clients[case.place]
        stage.proxy.plan(fault, case.at + (fault == "expire"), case.ever)
        try:
            reference, error = stage.publish(case, folder, client), None
        except RegistryError as raised:
            reference, error = "", raised
        assert len(stage.proxy.requests) > stage.proxy.at, "the fault did not occur"
        stage.proxy.plan("", 0, False)

        passes = not case.ever and fault in PASSING and (fault, case.at) != ("expire", 0)  # there it was just given
        must_succeed = fault in HARMLESS or (passes and fault != "stall")
        assert not (must_succeed and error), f"{case}: {error}"
        if error:
            assert error.remedy, case
            host = stage.proxy.host.split(":")[0]
            assert host in error.message, f"{case}: {error}"
            assert "Bearer ey" not in str(error)
            try:
                found = assert_whole(plain, stage.judged, case.repository, "v1").digest
            except NotFoundError:
                found = ""
            # What failed succeeds once the fault is gone; a busy registry may need longer than a stall is waited for.
            reference = stage.publish(case, folder, stage.client(RetryPolicy()) if fault == "stall" else client)
            whole = assert_whole(plain, stage.judged, case.repository, "v1").digest
            assert found in ("", whole), case
        else:
            whole = assert_whole(plain, stage.judged, case.repository, "v1").digest
        assert reference.endswith(f"@{whole}"), case
        assert right.setdefault(case.place, whole) == whole, case  # the same image everywhere
    plain.close()
