"""The append builder against real registries: what it asks of them, counted from their own access logs."""

from __future__ import annotations

import json
import random
import re
import shutil
import time
import urllib.error
import urllib.request
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from fairing_kfp.builders.append import AppendBuilder
from fairing_kfp.builders.progress import Transfer
from fairing_kfp.cache.store import Cache
from fairing_kfp.errors import DigestError, ImageError, NotFoundError, RegistryError
from fairing_kfp.image import Image, Layer, Platform, Reference
from fairing_kfp.image.descriptor import OCI_MANIFEST, digest_of
from fairing_kfp.image.manifest import Manifest
from fairing_kfp.registry.client import RegistryClient
from tests.support import layered_bases
from tests.support.layered_bases import BASE_LAYERS, layer, push_base
from tests.support.private_registry import PrivateRegistry
from tests.support.token_server import TokenServer

pytestmark = pytest.mark.registry

AMD64 = Platform.parse("linux/amd64")


@dataclass(frozen=True)
class Repositories:
    """A base image in a registry of all tests, and the repository `me` of one test."""

    registry: PrivateRegistry
    folder: str
    base: str
    manifest: Manifest

    @property
    def host(self) -> str:
        return self.registry.host

    @property
    def me(self) -> str:
        return f"{self.host}/{self.folder}/me"

    def requests(self) -> list[str]:
        """`METHOD path status` of each request since the last call, without the test's folder."""
        return [line.replace(f"/v2/{self.folder}/", "/v2/", 1) for line in self.registry.requests()]


def with_base(registry: PrivateRegistry, folder: str, *layers: Layer) -> Repositories:
    """Puts a base image of several layers into a registry, tagged `1`, and an index of it, tagged `index`."""
    manifest = push_base(registry.host, f"{folder}/base", layers or [layer(f"base{n}") for n in range(BASE_LAYERS)])
    return Repositories(registry, folder, f"{registry.host}/{folder}/base", manifest)


def of_a_test(repositories: Repositories, unique: str) -> Repositories:
    repositories.requests()  # those of other tests are of no interest
    return replace(repositories, folder=unique)


@pytest.fixture(scope="module")
def here_for_all(shared_registry: PrivateRegistry) -> Repositories:
    return with_base(shared_registry, "shared")


@pytest.fixture
def here(here_for_all: Repositories, unique: str) -> Repositories:
    return of_a_test(here_for_all, unique)


@pytest.fixture(scope="module")
def guarded_for_all(shared_bearer: tuple[PrivateRegistry, TokenServer]) -> Repositories:
    return with_base(shared_bearer[0], "shared")


@pytest.fixture
def guarded(guarded_for_all: Repositories, unique: str) -> Repositories:
    return of_a_test(guarded_for_all, unique)


@pytest.fixture
def token_server(shared_bearer: tuple[PrivateRegistry, TokenServer], monkeypatch: pytest.MonkeyPatch) -> TokenServer:
    tokens = shared_bearer[1]
    tokens.asked.clear()
    monkeypatch.setattr(tokens, "expires_in", tokens.expires_in)  # restored after the test
    return tokens


def image(base: str, *layers: Layer, name: str = "train") -> Image:
    return Image(name, Reference.parse(base), layers, AMD64, (3, 11))


def builder(target: str, cache: Cache, **options: Any) -> AppendBuilder:
    return AppendBuilder(target, cache=cache, client=RegistryClient(), **options)


def get(registry: Repositories, path: str) -> tuple[bytes, Any]:
    return layered_bases.get(registry.host, f"{registry.folder}/me/{path}")


def sent_bytes(requests: list[str]) -> list[str]:
    return [line for line in requests if line.startswith("PUT")]


class TestRequests:
    def test_first_push(self, here: Repositories, cache: Cache) -> None:
        layers = [layer("runtime"), layer("code")]
        reference = builder(here.me, cache).publish(image(f"{here.base}:1", *layers))
        requests = here.requests()
        assert len(requests) == BASE_LAYERS + 5 + 2 * len(layers), requests
        data, headers = get(here, f"manifests/{reference.partition('@')[2]}")
        assert digest_of(data) == reference.partition("@")[2]
        tag = f"train-{digest_of(data)[7:19]}"
        assert get(here, f"manifests/{tag}")[0] == data
        assert headers["Content-Type"] == OCI_MANIFEST

    def test_first_push_upon_an_index(self, here: Repositories, cache: Cache) -> None:
        builder(here.me, cache).publish(image(f"{here.base}:index", layer("code")))
        requests = here.requests()
        assert len(requests) == BASE_LAYERS + 5 + 2 + 1, requests

    def test_base_layers_already_in_the_target(self, here: Repositories, cache: Cache) -> None:
        base = f"{here.base}@{here.manifest.digest}"
        builder(here.me, cache).publish(image(base, layer("code", "1")))
        shutil.rmtree(cache.root / "blobs")
        here.requests()
        builder(here.me, cache).publish(image(base, layer("code", "2")))
        requests = here.requests()
        assert len(requests) == 5 + 2, requests

    def test_a_code_edit(self, here: Repositories, cache: Cache) -> None:
        base = f"{here.base}@{here.manifest.digest}"
        layers = [layer("runtime"), layer("dependencies")]
        builder(here.me, cache).publish(image(base, *layers, layer("code", "1")))
        here.requests()
        builder(here.me, cache).publish(image(base, *layers, layer("code", "2")))
        requests = here.requests()
        assert len(requests) == 3 + 2, requests
        assert requests[-1].startswith("PUT /v2/me/manifests/train-")

    def test_a_base_by_tag_costs_one_more_in_a_new_process(self, here: Repositories, cache: Cache) -> None:
        base = f"{here.base}:1"
        builder(here.me, cache).publish(image(base, layer("code", "1")))
        here.requests()
        again = builder(here.me, cache)
        again.publish(image(base, layer("code", "2")))
        again.publish(image(base, layer("code", "3")))
        requests = here.requests()
        assert len(requests) == 1 + 5 + 5, requests
        assert requests[0].startswith("HEAD /v2/shared/base/manifests/1 ")

    @pytest.mark.parametrize("tag", [None, "v1"])
    def test_an_unchanged_image(self, here: Repositories, cache: Cache, tag: str | None) -> None:
        unchanged = image(f"{here.base}@{here.manifest.digest}", layer("code"))
        first = builder(here.me, cache, tag=tag).publish(unchanged)
        here.requests()
        assert builder(here.me, cache, tag=tag).publish(unchanged) == first
        requests = here.requests()
        assert [line.partition(" ")[0] for line in requests] == ["HEAD"]

    def test_a_base_in_the_target_repository(self, here: Repositories, cache: Cache) -> None:
        manifest = push_base(here.host, f"{here.folder}/me", [layer(f"base{n}") for n in range(BASE_LAYERS)])
        here.requests()
        base = f"{here.me}@{manifest.digest}"
        builder(here.me, cache).publish(image(base, layer("code")))
        requests = here.requests()
        assert len(requests) == 5 + 2, requests

    def test_components_side_by_side_send_each_layer_once(self, here: Repositories, cache: Cache) -> None:
        base, runtime = f"{here.base}:1", layer("runtime", random.randbytes(300_000))
        images = [image(base, runtime, layer("code", str(n)), name=f"step{n}") for n in range(20)]
        shared = builder(here.me, cache)
        with ThreadPoolExecutor(8) as threads:
            references = list(threads.map(shared.publish, images))
        assert len(set(references)) == len(images)
        requests = here.requests()
        uploads = Counter(re.search(r"digest=([^&]+)", line)[1] for line in requests if "PUT /v2/me/blobs" in line)
        assert len(uploads) == 1 + 2 * len(images)  # the runtime layer; a code layer and a config each
        assert set(uploads.values()) == {1}
        assert len(requests) == 2 + BASE_LAYERS + 2 + 5 * len(images), requests
        for reference in references:
            assert get(here, f"manifests/{reference.partition('@')[2]}")


class TestTags:
    def test_an_unchanged_image_gets_a_new_tag(self, here: Repositories, cache: Cache) -> None:
        unchanged = image(f"{here.base}@{here.manifest.digest}", layer("code"))
        first = builder(here.me, cache).publish(unchanged)
        assert builder(here.me, cache, tag="{name}-v1").publish(unchanged) == first
        assert digest_of(get(here, "manifests/train-v1")[0]) == first.partition("@")[2]

    def test_a_tag_moves(self, here: Repositories, cache: Cache) -> None:
        base = f"{here.base}@{here.manifest.digest}"
        tagging = builder(here.me, cache, tag="v1")
        for content in ("1", "2", "1"):
            reference = tagging.publish(image(base, layer("code", content)))
            assert digest_of(get(here, "manifests/v1")[0]) == reference.partition("@")[2]

    def test_two_images_cannot_have_one_tag(self, here: Repositories, cache: Cache) -> None:
        base = f"{here.base}:1"
        tagging = builder(here.me, cache, tag="v1")
        tagging.publish(image(base, layer("code", "1"), name="one"))
        with pytest.raises(ImageError, match="'v1' of two is already used by one"):
            tagging.publish(image(base, layer("code", "2"), name="two"))


class TestPlan:
    def test_it_sends_nothing_and_foretells_what_publishing_does(self, here: Repositories, cache: Cache) -> None:
        told: list[Transfer] = []
        planned = builder(here.me, cache, progress=told.append)
        new = image(f"{here.base}:1", layer("runtime"), layer("code"))
        plan = planned.plan(new)
        assert {line.partition(" ")[0] for line in here.requests()} == {"GET", "HEAD"}
        assert [one.state for one in plan.layers] == ["mount"] * BASE_LAYERS + ["send"] * 2
        assert not plan.exists

        assert planned.publish(new) == plan.reference
        requests = here.requests()
        assert len(requests) == plan.requests
        moved = sum(one.size for one in told if one.state == "sent")
        manifest, _ = get(here, f"manifests/{plan.tag}")
        assert plan.bytes_to_send == moved + len(manifest)
        here.requests()

        again = planned.plan(new)
        assert again.exists
        assert (again.bytes_to_send, again.requests) == (0, 1)
        assert {one.state for one in again.layers} == {"exists"}

    def test_a_fresh_machine_sees_what_is_there(self, here: Repositories, cache: Cache, tmp_path: Path) -> None:
        new = image(f"{here.base}:1", layer("runtime"), layer("code", "1"))
        builder(here.me, cache).publish(new)
        fresh = builder(here.me, Cache(tmp_path / "fresh"))
        edited = replace(new, layers=(layer("runtime"), layer("code", "2")))
        plan = fresh.plan(edited)
        assert [one.state for one in plan.layers] == ["exists"] * (BASE_LAYERS + 1) + ["send"]
        here.requests()
        fresh.publish(edited)
        requests = here.requests()
        assert len(requests) == plan.requests
        assert len(sent_bytes(requests)) == 3


class TestBearer:
    def test_one_challenge_and_one_token_for_both_repositories(
        self, guarded: Repositories, token_server: TokenServer, cache: Cache
    ) -> None:
        told = builder(guarded.me, cache)
        told.publish(image(f"{guarded.base}:1", layer("code")))
        requests = guarded.requests()
        assert len(requests) + len(token_server.asked) == BASE_LAYERS + 5 + 2 + 2, requests
        assert requests[0] == "GET /v2/shared/base/manifests/1 401"
        assert token_server.asked == [["repository:shared/base:pull", f"repository:{guarded.folder}/me:pull,push"]]

    def test_a_token_is_renewed_before_it_is_refused(
        self, guarded: Repositories, token_server: TokenServer, cache: Cache
    ) -> None:
        token_server.expires_in = 1
        shared = builder(guarded.me, cache)
        base = f"{guarded.base}:1"
        shared.publish(image(base, layer("code", "1")))
        guarded.requests()
        token_server.asked.clear()
        time.sleep(1)
        shared.publish(image(base, layer("code", "2")))
        assert not [line for line in guarded.requests() if line.endswith("401")]
        assert token_server.asked


class TestAnotherRegistry:
    def test_the_base_is_streamed_through(
        self, here: Repositories, other_shared_registry: PrivateRegistry, unique: str, cache: Cache
    ) -> None:
        large = layer("large", random.Random(1).randbytes(5_000_000))
        other = with_base(other_shared_registry, unique, layer("small"), large)
        reference = builder(here.me, cache).publish(image(f"{other.base}:1", layer("code")))
        manifest = json.loads(get(here, f"manifests/{reference.partition('@')[2]}")[0])
        for listed in manifest["layers"]:
            data, _ = get(here, f"blobs/{listed['digest']}")
            assert (digest_of(data), len(data)) == (listed["digest"], listed["size"])
        assert not cache.blob_path(large.digest).exists()

    def test_a_damaged_base_is_noticed_and_leaves_no_image(
        self, here: Repositories, other_shared_registry: PrivateRegistry, unique: str, cache: Cache, tmp_path: Path
    ) -> None:
        large = layer("large", random.Random(2).randbytes(3_000_000))
        other = with_base(other_shared_registry, unique, large)
        value = large.digest[7:]
        stored = other.registry.log.parent / f"data/docker/registry/v2/blobs/sha256/{value[:2]}/{value}/data"
        data = bytearray(stored.read_bytes())
        data[1_000_000] ^= 1
        stored.write_bytes(data)
        with pytest.raises(DigestError, match=large.digest):
            builder(here.me, cache, tag="v1").publish(image(f"{other.base}:1", layer("code")))
        with pytest.raises(urllib.error.HTTPError, match="404"):
            get(here, "manifests/v1")
        with pytest.raises(urllib.error.HTTPError, match="404"):
            get(here, f"blobs/{large.digest}")


class TestLosses:
    @pytest.mark.parametrize("same_process", [False, True])
    def test_layers_that_the_registry_lost_are_brought_back(
        self, here: Repositories, cache: Cache, same_process: bool
    ) -> None:
        base = f"{here.base}:1"
        runtime = layer("runtime")
        before = builder(here.me, cache)
        first = before.publish(image(base, runtime, layer("code", "1")))
        lost = json.loads(get(here, f"manifests/{first.partition('@')[2]}")[0])["layers"][:-1]
        for listed in lost:
            delete = urllib.request.Request(
                f"http://{here.host}/v2/{here.folder}/me/blobs/{listed['digest']}", method="DELETE"
            )
            urllib.request.urlopen(delete).close()
        after = before if same_process else builder(here.me, cache)
        after.publish(image(base, runtime, layer("code", "2")))
        for listed in lost:
            assert get(here, f"blobs/{listed['digest']}")

    def test_an_image_that_the_registry_lost_is_sent_again(self, here: Repositories, cache: Cache) -> None:
        lost = image(f"{here.base}:1", layer("code"))
        reference = builder(here.me, cache).publish(lost)
        path = f"/v2/{here.folder}/me/manifests/{reference.partition('@')[2]}"
        delete = urllib.request.Request(f"http://{here.host}{path}", method="DELETE")
        urllib.request.urlopen(delete).close()
        assert builder(here.me, cache).publish(lost) == reference
        assert get(here, f"manifests/{reference.partition('@')[2]}")


class TestRefusals:
    def test_a_base_that_does_not_exist(self, here: Repositories, cache: Cache) -> None:
        with pytest.raises(NotFoundError) as caught:
            builder(here.me, cache).plan(image(f"{here.host}/none:9", layer("code")))
        assert f"{here.host} does not have the image none:9" in str(caught.value)
        assert caught.value.code == "MANIFEST_UNKNOWN"

    def test_a_registry_that_does_not_answer(self, cache: Cache) -> None:
        with pytest.raises(RegistryError, match=r"cannot connect to the registry 127\.0\.0\.1:1: Connection refused"):
            builder("127.0.0.1:1/me", cache).plan(image("127.0.0.1:1/base:1", layer("code")))

    def test_a_registry_whose_name_is_unknown(self, cache: Cache) -> None:
        with pytest.raises(RegistryError, match=r"cannot connect to the registry registry\.invalid: "):
            builder("registry.invalid/me", cache).plan(image("registry.invalid/base:1", layer("code")))

    def test_a_plain_registry_that_is_not_named_insecure(self, testbed_registry: str, cache: Cache) -> None:
        with pytest.raises(RegistryError) as caught:
            builder(f"{testbed_registry}/me", cache).plan(image(f"{testbed_registry}/base/python:3.11", layer("code")))
        assert caught.value.message.endswith(f" of train: the registry {testbed_registry} does not speak TLS")
        assert f"--insecure {testbed_registry}" in caught.value.remedy


def test_the_same_recipe_has_one_digest_everywhere(
    here: Repositories, other_shared_registry: PrivateRegistry, unique: str, cache: Cache, tmp_path: Path
) -> None:
    references = []
    other = with_base(other_shared_registry, unique)
    for registry, folder in ((here, cache), (other, Cache(tmp_path / "elsewhere"))):
        references.append(builder(registry.me, folder).publish(image(f"{registry.base}:1", layer("code"))))
    assert len({reference.partition("@")[2] for reference in references}) == 1
