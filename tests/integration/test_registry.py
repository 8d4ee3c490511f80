"""The append builder against real registries: what it asks of them, counted from their own access logs."""

from __future__ import annotations

import io
import json
import random
import re
import shutil
import time
import urllib.error
import urllib.request
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from fairing_kfp.builders.append import AppendBuilder
from fairing_kfp.builders.progress import Transfer
from fairing_kfp.cache.store import Cache
from fairing_kfp.errors import DigestError, ImageError, NotFoundError, RegistryError
from fairing_kfp.image import File, Image, Layer, Platform, Reference
from fairing_kfp.image.descriptor import OCI_CONFIG, OCI_INDEX, OCI_LAYER, OCI_MANIFEST, Descriptor, digest_of, dump
from fairing_kfp.image.manifest import Manifest
from fairing_kfp.layers.files import layer_of_files
from fairing_kfp.registry.auth import push
from fairing_kfp.registry.client import RegistryClient
from fairing_kfp.registry.repository import Repository

pytestmark = pytest.mark.registry

AMD64 = Platform.parse("linux/amd64")
BASE_LAYERS = 6


def layer(name: str, content: str | bytes = b"") -> Layer:
    data = content.encode() if isinstance(content, str) else content
    return layer_of_files(name, [File(f"opt/{name}", data or name.encode())])


def push_base(
    host: str,
    repository: str = "base/python",
    layers: list[Layer] | None = None,
    others: tuple[str, ...] = (),
    python: str = "3.11.2",
) -> Manifest:
    """Puts a base image of several layers into a registry, tagged `1`, and an index of it, tagged `index`.

    Args:
        host: the registry.
        repository: where to.
        layers: those of linux/amd64, which `1` is for.
        others: further architectures in the index, whose lowest layer is that of amd64.
        python: what the further ones hold.
    """
    layers = layers or [layer(f"base{n}") for n in range(BASE_LAYERS)]
    client = RegistryClient()
    target = Repository(client, host, repository, frozenset({push(repository)}))
    manifest = _push_platform(target, "amd64", layers, "3.11.2")
    target.put_manifest(manifest, "1")
    manifests = {"amd64": manifest}
    for architecture in others:
        its = [layers[0], *(layer(f"{architecture}{n}") for n in range(1, len(layers)))]
        manifests[architecture] = _push_platform(target, architecture, its, python)
        target.put_manifest(manifests[architecture], manifests[architecture].digest)
    entries = [
        {
            **Descriptor(OCI_MANIFEST, one.digest, len(one.data)).document(),
            "platform": {"os": "linux", "architecture": architecture},
        }
        for architecture, one in manifests.items()
    ]
    target.put_manifest(Manifest(dump({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": entries})), "index")
    client.close()
    return manifest


def _push_platform(target: Repository, architecture: str, layers: list[Layer], python: str) -> Manifest:
    config = dump(
        {
            "architecture": architecture,
            "os": "linux",
            "config": {"Env": [f"PYTHON_VERSION={python}"]},
            "rootfs": {"type": "layers", "diff_ids": [one.diff_id for one in layers]},
        }
    )
    for one in layers:
        target.put_blob(one.digest, one.size, one.open)
    target.put_blob(digest_of(config), len(config), lambda: io.BytesIO(config))
    return Manifest(
        dump(
            {
                "schemaVersion": 2,
                "config": Descriptor(OCI_CONFIG, digest_of(config), len(config)).document(),
                "layers": [Descriptor(OCI_LAYER, one.digest, one.size).document() for one in layers],
            }
        )
    )


def image(base: str, *layers: Layer, name: str = "train") -> Image:
    return Image(name, Reference.parse(base), layers, AMD64, (3, 11))


def builder(target: str, cache: Cache, **options: Any) -> AppendBuilder:
    return AppendBuilder(target, cache=cache, client=RegistryClient(), **options)


def get(host: str, path: str) -> tuple[bytes, Any]:
    request = urllib.request.Request(f"http://{host}/v2/{path}", headers={"Accept": f"{OCI_MANIFEST}, {OCI_INDEX}"})
    with urllib.request.urlopen(request) as answer:
        return answer.read(), answer.headers


def sent_bytes(requests: list[str]) -> list[str]:
    return [line for line in requests if line.startswith("PUT")]


class TestRequests:
    def test_first_push(self, private_registry: Any, cache: Cache) -> None:
        push_base(private_registry.host)
        private_registry.requests()
        layers = [layer("runtime"), layer("code")]
        reference = builder(f"{private_registry.host}/me", cache).publish(
            image(f"{private_registry.host}/base/python:1", *layers)
        )
        requests = private_registry.requests()
        assert len(requests) == BASE_LAYERS + 5 + 2 * len(layers), requests
        data, headers = get(private_registry.host, f"me/manifests/{reference.partition('@')[2]}")
        assert digest_of(data) == reference.partition("@")[2]
        tag = f"train-{digest_of(data)[7:19]}"
        assert get(private_registry.host, f"me/manifests/{tag}")[0] == data
        assert headers["Content-Type"] == OCI_MANIFEST

    def test_first_push_upon_an_index(self, private_registry: Any, cache: Cache) -> None:
        push_base(private_registry.host)
        private_registry.requests()
        builder(f"{private_registry.host}/me", cache).publish(
            image(f"{private_registry.host}/base/python:index", layer("code"))
        )
        requests = private_registry.requests()
        assert len(requests) == BASE_LAYERS + 5 + 2 + 1, requests

    def test_base_layers_already_in_the_target(self, private_registry: Any, cache: Cache) -> None:
        manifest = push_base(private_registry.host)
        base = f"{private_registry.host}/base/python@{manifest.digest}"
        builder(f"{private_registry.host}/me", cache).publish(image(base, layer("code", "1")))
        shutil.rmtree(cache.root / "blobs")
        private_registry.requests()
        builder(f"{private_registry.host}/me", cache).publish(image(base, layer("code", "2")))
        requests = private_registry.requests()
        assert len(requests) == 5 + 2, requests

    def test_a_code_edit(self, private_registry: Any, cache: Cache) -> None:
        manifest = push_base(private_registry.host)
        base = f"{private_registry.host}/base/python@{manifest.digest}"
        layers = [layer("runtime"), layer("dependencies")]
        builder(f"{private_registry.host}/me", cache).publish(image(base, *layers, layer("code", "1")))
        private_registry.requests()
        builder(f"{private_registry.host}/me", cache).publish(image(base, *layers, layer("code", "2")))
        requests = private_registry.requests()
        assert len(requests) == 3 + 2, requests
        assert requests[-1].startswith("PUT /v2/me/manifests/train-")

    def test_a_base_by_tag_costs_one_more_in_a_new_process(self, private_registry: Any, cache: Cache) -> None:
        push_base(private_registry.host)
        base = f"{private_registry.host}/base/python:1"
        builder(f"{private_registry.host}/me", cache).publish(image(base, layer("code", "1")))
        private_registry.requests()
        again = builder(f"{private_registry.host}/me", cache)
        again.publish(image(base, layer("code", "2")))
        again.publish(image(base, layer("code", "3")))
        requests = private_registry.requests()
        assert len(requests) == 1 + 5 + 5, requests
        assert requests[0].startswith("HEAD /v2/base/python/manifests/1 ")

    @pytest.mark.parametrize("tag", [None, "v1"])
    def test_an_unchanged_image(self, private_registry: Any, cache: Cache, tag: str | None) -> None:
        manifest = push_base(private_registry.host)
        unchanged = image(f"{private_registry.host}/base/python@{manifest.digest}", layer("code"))
        first = builder(f"{private_registry.host}/me", cache, tag=tag).publish(unchanged)
        private_registry.requests()
        assert builder(f"{private_registry.host}/me", cache, tag=tag).publish(unchanged) == first
        requests = private_registry.requests()
        assert [line.partition(" ")[0] for line in requests] == ["HEAD"]

    def test_a_base_in_the_target_repository(self, private_registry: Any, cache: Cache) -> None:
        manifest = push_base(private_registry.host, "me")
        private_registry.requests()
        base = f"{private_registry.host}/me@{manifest.digest}"
        builder(f"{private_registry.host}/me", cache).publish(image(base, layer("code")))
        requests = private_registry.requests()
        assert len(requests) == 5 + 2, requests

    def test_components_side_by_side_send_each_layer_once(self, private_registry: Any, cache: Cache) -> None:
        push_base(private_registry.host)
        private_registry.requests()
        base, runtime = f"{private_registry.host}/base/python:1", layer("runtime", random.randbytes(300_000))
        images = [image(base, runtime, layer("code", str(n)), name=f"step{n}") for n in range(20)]
        shared = builder(f"{private_registry.host}/me", cache)
        with ThreadPoolExecutor(8) as threads:
            references = list(threads.map(shared.publish, images))
        assert len(set(references)) == len(images)
        requests = private_registry.requests()
        uploads = Counter(re.search(r"digest=([^&]+)", line)[1] for line in requests if "PUT /v2/me/blobs" in line)
        assert len(uploads) == 1 + 2 * len(images)  # the runtime layer; a code layer and a config each
        assert set(uploads.values()) == {1}
        assert len(requests) == 2 + BASE_LAYERS + 2 + 5 * len(images), requests
        for reference in references:
            assert get(private_registry.host, f"me/manifests/{reference.partition('@')[2]}")


class TestTags:
    def test_an_unchanged_image_gets_a_new_tag(self, private_registry: Any, cache: Cache) -> None:
        manifest = push_base(private_registry.host)
        unchanged = image(f"{private_registry.host}/base/python@{manifest.digest}", layer("code"))
        first = builder(f"{private_registry.host}/me", cache).publish(unchanged)
        assert builder(f"{private_registry.host}/me", cache, tag="{name}-v1").publish(unchanged) == first
        assert digest_of(get(private_registry.host, "me/manifests/train-v1")[0]) == first.partition("@")[2]

    def test_a_tag_moves(self, private_registry: Any, cache: Cache) -> None:
        manifest = push_base(private_registry.host)
        base = f"{private_registry.host}/base/python@{manifest.digest}"
        tagging = builder(f"{private_registry.host}/me", cache, tag="v1")
        for content in ("1", "2", "1"):
            reference = tagging.publish(image(base, layer("code", content)))
            assert digest_of(get(private_registry.host, "me/manifests/v1")[0]) == reference.partition("@")[2]

    def test_two_images_cannot_have_one_tag(self, private_registry: Any, cache: Cache) -> None:
        push_base(private_registry.host)
        base = f"{private_registry.host}/base/python:1"
        tagging = builder(f"{private_registry.host}/me", cache, tag="v1")
        tagging.publish(image(base, layer("code", "1"), name="one"))
        with pytest.raises(ImageError, match="'v1' of two is already used by one"):
            tagging.publish(image(base, layer("code", "2"), name="two"))


class TestPlan:
    def test_it_sends_nothing_and_foretells_what_publishing_does(self, private_registry: Any, cache: Cache) -> None:
        push_base(private_registry.host)
        private_registry.requests()
        told: list[Transfer] = []
        planned = builder(f"{private_registry.host}/me", cache, progress=told.append)
        new = image(f"{private_registry.host}/base/python:1", layer("runtime"), layer("code"))
        plan = planned.plan(new)
        assert {line.partition(" ")[0] for line in private_registry.requests()} == {"GET", "HEAD"}
        assert [one.state for one in plan.layers] == ["mount"] * BASE_LAYERS + ["send"] * 2
        assert not plan.exists

        assert planned.publish(new) == plan.reference
        requests = private_registry.requests()
        assert len(requests) == plan.requests
        moved = sum(one.size for one in told if one.state == "sent")
        manifest, _ = get(private_registry.host, f"me/manifests/{plan.tag}")
        assert plan.bytes_to_send == moved + len(manifest)
        private_registry.requests()

        again = planned.plan(new)
        assert again.exists
        assert (again.bytes_to_send, again.requests) == (0, 1)
        assert {one.state for one in again.layers} == {"exists"}

    def test_a_fresh_machine_sees_what_is_there(self, private_registry: Any, cache: Cache, tmp_path: Path) -> None:
        push_base(private_registry.host)
        new = image(f"{private_registry.host}/base/python:1", layer("runtime"), layer("code", "1"))
        builder(f"{private_registry.host}/me", cache).publish(new)
        fresh = builder(f"{private_registry.host}/me", Cache(tmp_path / "fresh"))
        edited = replace(new, layers=(layer("runtime"), layer("code", "2")))
        plan = fresh.plan(edited)
        assert [one.state for one in plan.layers] == ["exists"] * (BASE_LAYERS + 1) + ["send"]
        private_registry.requests()
        fresh.publish(edited)
        requests = private_registry.requests()
        assert len(requests) == plan.requests
        assert len(sent_bytes(requests)) == 3


class TestBearer:
    def test_one_challenge_and_one_token_for_both_repositories(
        self, private_registry: Any, bearer_registry: Any, token_server: Any, cache: Cache
    ) -> None:
        push_base(bearer_registry.host)
        bearer_registry.requests()
        token_server.asked.clear()
        told = builder(f"{bearer_registry.host}/me", cache)
        told.publish(image(f"{bearer_registry.host}/base/python:1", layer("code")))
        requests = bearer_registry.requests()
        assert len(requests) + len(token_server.asked) == BASE_LAYERS + 5 + 2 + 2, requests
        assert requests[0] == "GET /v2/base/python/manifests/1 401"
        assert token_server.asked == [["repository:base/python:pull", "repository:me:pull,push"]]

    def test_a_token_is_renewed_before_it_is_refused(
        self, bearer_registry: Any, token_server: Any, cache: Cache
    ) -> None:
        token_server.expires_in = 1
        push_base(bearer_registry.host)
        shared = builder(f"{bearer_registry.host}/me", cache)
        base = f"{bearer_registry.host}/base/python:1"
        shared.publish(image(base, layer("code", "1")))
        bearer_registry.requests()
        token_server.asked.clear()
        time.sleep(1)
        shared.publish(image(base, layer("code", "2")))
        assert not [line for line in bearer_registry.requests() if line.endswith("401")]
        assert token_server.asked


class TestAnotherRegistry:
    def test_the_base_is_streamed_through(self, private_registry: Any, other_registry: Any, cache: Cache) -> None:
        large = layer("large", random.Random(1).randbytes(5_000_000))
        push_base(other_registry.host, layers=[layer("small"), large])
        reference = builder(f"{private_registry.host}/me", cache).publish(
            image(f"{other_registry.host}/base/python:1", layer("code"))
        )
        manifest = json.loads(get(private_registry.host, f"me/manifests/{reference.partition('@')[2]}")[0])
        for listed in manifest["layers"]:
            data, _ = get(private_registry.host, f"me/blobs/{listed['digest']}")
            assert (digest_of(data), len(data)) == (listed["digest"], listed["size"])
        assert not cache.blob_path(large.digest).exists()

    def test_a_damaged_base_is_noticed_and_leaves_no_image(
        self, private_registry: Any, other_registry: Any, cache: Cache, tmp_path: Path
    ) -> None:
        large = layer("large", random.Random(2).randbytes(3_000_000))
        push_base(other_registry.host, layers=[large])
        value = large.digest[7:]
        stored = tmp_path / f"other-registry/data/docker/registry/v2/blobs/sha256/{value[:2]}/{value}/data"
        data = bytearray(stored.read_bytes())
        data[1_000_000] ^= 1
        stored.write_bytes(data)
        with pytest.raises(DigestError, match=large.digest):
            builder(f"{private_registry.host}/me", cache, tag="v1").publish(
                image(f"{other_registry.host}/base/python:1", layer("code"))
            )
        with pytest.raises(urllib.error.HTTPError, match="404"):
            get(private_registry.host, "me/manifests/v1")
        with pytest.raises(urllib.error.HTTPError, match="404"):
            get(private_registry.host, f"me/blobs/{large.digest}")


class TestLosses:
    @pytest.mark.parametrize("same_process", [False, True])
    def test_layers_that_the_registry_lost_are_brought_back(
        self, private_registry: Any, cache: Cache, same_process: bool
    ) -> None:
        push_base(private_registry.host)
        base = f"{private_registry.host}/base/python:1"
        runtime = layer("runtime")
        before = builder(f"{private_registry.host}/me", cache)
        first = before.publish(image(base, runtime, layer("code", "1")))
        lost = json.loads(get(private_registry.host, f"me/manifests/{first.partition('@')[2]}")[0])["layers"][:-1]
        for listed in lost:
            delete = urllib.request.Request(
                f"http://{private_registry.host}/v2/me/blobs/{listed['digest']}", method="DELETE"
            )
            urllib.request.urlopen(delete).close()
        after = before if same_process else builder(f"{private_registry.host}/me", cache)
        after.publish(image(base, runtime, layer("code", "2")))
        for listed in lost:
            assert get(private_registry.host, f"me/blobs/{listed['digest']}")

    def test_an_image_that_the_registry_lost_is_sent_again(self, private_registry: Any, cache: Cache) -> None:
        push_base(private_registry.host)
        lost = image(f"{private_registry.host}/base/python:1", layer("code"))
        reference = builder(f"{private_registry.host}/me", cache).publish(lost)
        path = f"/v2/me/manifests/{reference.partition('@')[2]}"
        delete = urllib.request.Request(f"http://{private_registry.host}{path}", method="DELETE")
        urllib.request.urlopen(delete).close()
        assert builder(f"{private_registry.host}/me", cache).publish(lost) == reference
        assert get(private_registry.host, f"me/manifests/{reference.partition('@')[2]}")


class TestRefusals:
    def test_a_base_that_does_not_exist(self, private_registry: Any, cache: Cache) -> None:
        with pytest.raises(NotFoundError) as caught:
            builder(f"{private_registry.host}/me", cache).plan(image(f"{private_registry.host}/none:9", layer("code")))
        assert f"{private_registry.host} does not have the image none:9" in str(caught.value)
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
    private_registry: Any, other_registry: Any, cache: Cache, tmp_path: Path
) -> None:
    references = []
    for registry, folder in ((private_registry, cache), (other_registry, Cache(tmp_path / "elsewhere"))):
        push_base(registry.host)
        references.append(
            builder(f"{registry.host}/me", folder).publish(image(f"{registry.host}/base/python:1", layer("code")))
        )
    assert len({reference.partition("@")[2] for reference in references}) == 1
