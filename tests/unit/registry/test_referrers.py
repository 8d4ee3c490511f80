"""Artifacts attached to an image, with the referrers API and with the fallback tag."""

from __future__ import annotations

import json

import pytest

from fairing_kfp.errors import ImageError, RegistryError
from fairing_kfp.image.artifact import Artifact, Referrer
from fairing_kfp.image.descriptor import OCI_INDEX, dump
from fairing_kfp.registry.referrers import Referrers, fallback_tag
from fairing_kfp.registry.repository import Repository
from tests.support.memory_registry import MemoryRegistry
from tests.support.scripted_registry import MANIFEST, Answer, Request, Server

SUBJECT = MANIFEST.descriptor
ARTIFACTS = [Artifact("application/one", b"1", {"key": "1"}), Artifact("application/two", b"2")]
TAG = fallback_tag(SUBJECT.digest)


@pytest.mark.parametrize("api", [True, False])
def test_what_is_attached_is_listed(server: Server, repository: Repository, api: bool) -> None:
    server.rule = registry = MemoryRegistry(api)
    referrers = Referrers(repository)
    assert referrers.of(SUBJECT.digest) == []
    manifests = referrers.attach(SUBJECT, ARTIFACTS)
    referrers.attach(SUBJECT, ARTIFACTS[:1])

    listed = referrers.of(SUBJECT.digest)
    assert {one.descriptor.digest for one in listed} == {one.digest for one in manifests}
    assert {one.artifact_type: one.annotations for one in listed} == {
        "application/one": {"key": "1"},
        "application/two": {},
    }
    assert (("team/app", TAG) in registry.manifests) is not api


def test_entries_of_others_stay_in_the_tag(server: Server, repository: Repository) -> None:
    other = Artifact("application/other", b"3").manifest(SUBJECT)
    index = dump({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": [Referrer.of(other).document()]})
    server.rule = registry = MemoryRegistry(api=False)
    registry.manifests["team/app", TAG] = index
    Referrers(repository).attach(SUBJECT, ARTIFACTS)

    types = [one["artifactType"] for one in json.loads(registry.manifests["team/app", TAG])["manifests"]]
    assert types == ["application/other", "application/one", "application/two"]


def test_pages_are_followed(server: Server, repository: Repository) -> None:
    entries = [Referrer.of(one.manifest(SUBJECT)).document() for one in ARTIFACTS]
    pages = [dump({"mediaType": OCI_INDEX, "manifests": [entry]}) for entry in entries]
    server.answers = [Answer(body=pages[0], headers={"Link": '</v2/next?page=2>; rel="next"'}), Answer(body=pages[1])]

    assert [one.artifact_type for one in Referrers(repository).of(SUBJECT.digest)] == [
        "application/one",
        "application/two",
    ]
    assert server.lines[1] == "GET /v2/next?page=2"


def test_endless_pages(server: Server, repository: Repository) -> None:
    server.rule = lambda _: Answer(body=b'{"manifests":[]}', headers={"Link": '</v2/next>; rel="next"'})
    with pytest.raises(ImageError, match="pages"):
        Referrers(repository).of(SUBJECT.digest)


@pytest.mark.parametrize("answer", [Answer(404), Answer(405), Answer(400), Answer(body=b"{}")])
def test_registries_without_the_api(server: Server, repository: Repository, answer: Answer) -> None:
    def rule(request: Request) -> Answer:
        return answer if "referrers" in request.path else Answer(404)

    server.rule = rule
    assert Referrers(repository).of(SUBJECT.digest) == []


def test_a_refusal_is_no_missing_api(server: Server, repository: Repository) -> None:
    server.answers = [Answer(403)]
    with pytest.raises(RegistryError):
        Referrers(repository).of(SUBJECT.digest)
