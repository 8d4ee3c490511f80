"""Repositories that have to exist before a push."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from fairing_kfp.builders.append import AppendBuilder
from fairing_kfp.builders.create_repository import RepositoryCreator
from fairing_kfp.cache.store import Cache
from fairing_kfp.errors import ConfigError, MissingRepositoryError, NotFoundError, RegistryError
from fairing_kfp.registry import missing
from fairing_kfp.registry.client import RegistryClient
from fairing_kfp.registry.missing import can_create, create_repository, creation_remedy
from fairing_kfp.registry.repository import Repository
from fairing_kfp.settings import Settings
from tests.support.hostile_registry import base_documents
from tests.support.scripted_registry import MANIFEST, UPLOAD, Answer, Request, Server, errors, put
from tests.support.small_images import image, layer

ECR = "123456789012.dkr.ecr.eu-west-1.amazonaws.com"
UNKNOWN = errors("NAME_UNKNOWN", "The repository with name 'team/app' does not exist")


@pytest.mark.parametrize(
    ("registry", "repository", "command"),
    [
        (
            ECR,
            "team/app",
            "aws ecr create-repository --region eu-west-1 --registry-id 123456789012 --repository-name team/app;",
        ),
        ("123456789012.dkr.ecr-fips.us-gov-west-1.amazonaws.com", "a", "--region us-gov-west-1 "),
        ("123456789012.dkr.ecr.cn-north-1.amazonaws.com.cn", "a", "--region cn-north-1 "),
        ("123456789012.dkr-ecr.eu-west-1.on.aws", "a", "--region eu-west-1 "),
        (
            "public.ecr.aws",
            "alias/team/app",
            "aws ecr-public create-repository --region us-east-1 --repository-name team/app;",
        ),
        (
            "europe-west1-docker.pkg.dev",
            "my-project/images/digits",
            "gcloud artifacts repositories create images --repository-format=docker --location=europe-west1 "
            "--project=my-project",
        ),
        (
            "fra.ocir.io",
            "tenancy/team/app",
            "oci artifacts container repository create --compartment-id ID --display-name team/app",
        ),
        ("harbor.example.com", "team/app", "its project team, in the user interface of harbor.example.com"),
    ],
)
def test_the_remedy_gives_the_command(registry: str, repository: str, command: str) -> None:
    assert command in f"{creation_remedy(registry, repository)};"
    assert can_create(registry) == ("create_repository = true (--create" in creation_remedy(registry, repository))


@pytest.mark.parametrize(
    "registry", ["12.dkr.ecr.eu-west-1.amazonaws.com", f"{ECR}.evil.example", f"{ECR}:5000", "localhost"]
)
def test_other_hosts_are_not_amazon(registry: str) -> None:
    assert not can_create(registry)


@pytest.mark.parametrize("answers", [[Answer(404, UNKNOWN)] * 2, [Answer(405), Answer(404, UNKNOWN)]])
def test_a_push_says_that_it_has_to_be_created(server: Server, repository: Repository, answers: list[Answer]) -> None:
    server.answers = answers
    with pytest.raises(MissingRepositoryError, match="the repository team/app does not exist in 127") as caught:
        put(repository)
    assert "404 NAME_UNKNOWN: The repository with name" in caught.value.message
    assert "create team/app" in caught.value.remedy
    assert (caught.value.status, caught.value.code) == (404, "NAME_UNKNOWN")


def test_checks_and_manifests_say_so_too(server: Server, repository: Repository) -> None:
    server.answers = [Answer(404, UNKNOWN), Answer(404, UNKNOWN), Answer(404, errors("MANIFEST_BLOB_UNKNOWN"))]
    with pytest.raises(MissingRepositoryError):
        repository.check_push()
    with pytest.raises(MissingRepositoryError):
        repository.put_manifest(MANIFEST, "1")
    with pytest.raises(NotFoundError) as caught:
        repository.put_manifest(MANIFEST, "1")
    assert type(caught.value) is NotFoundError


@pytest.fixture
def created(server: Server, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """A registry that wants repositories to be created; the list of those that are."""
    config, base_layer, manifest = base_documents()
    made: list[str] = []

    def answer(request: Request) -> Answer:
        if "/base/manifests" in request.path:
            return Answer(body=manifest)
        if "/base/blobs" in request.path:
            return Answer(body=config if base_layer.digest not in request.path else base_layer.open().read())
        if not made or request.method == "HEAD":
            return Answer(404, UNKNOWN)
        return Answer(202, headers={"Location": f"{UPLOAD}1"}) if request.method == "POST" else Answer(201)

    server.rule = answer
    monkeypatch.setattr(
        missing, "_amazon", lambda registry, name: missing._Amazon("ecr", "eu-west-1", {"repositoryName": name})
    )
    monkeypatch.setattr(
        missing, "_boto3", lambda: type("Boto3", (), {"client": staticmethod(lambda *a, **k: Api(made))})
    )
    return made


class Api:
    def __init__(self, made: list[str]) -> None:
        self.made = made

    def create_repository(self, **arguments: str) -> None:
        self.made.append(arguments["repositoryName"])


@pytest.mark.parametrize("create", [True, False])
def test_a_push_creates_it_once(server: Server, created: list[str], tmp_path: Path, create: bool) -> None:
    client = RegistryClient()
    builder = AppendBuilder(f"{server.host}/team/app", cache=Cache(tmp_path), client=client, create_repository=create)
    one = image(f"{server.host}/base:1", layer("code"))
    if create:
        assert builder.publish(one) == builder.publish(one)
    else:
        with pytest.raises(MissingRepositoryError):
            builder.publish(one)
    assert created == ["team/app"] * create
    builder.close()


def test_amazon_by_its_api(monkeypatch: pytest.MonkeyPatch) -> None:
    moto = pytest.importorskip("moto")
    boto3 = pytest.importorskip("boto3")
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "made-up")
    with moto.mock_aws():
        create_repository(ECR, "team/app")
        create_repository(ECR, "team/app")  # exists
        found = boto3.client("ecr", region_name="eu-west-1").describe_repositories()["repositories"]
        assert [one["repositoryName"] for one in found] == ["team/app"]
        with pytest.raises(RegistryError, match="cannot create the repository Team in 1234") as caught:
            create_repository(ECR, "Team")
        assert "check the credentials and permissions of: aws ecr create-repository" in caught.value.remedy


def test_without_boto3(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "boto3", None)
    with pytest.raises(ConfigError, match="needs boto3") as caught:
        RepositoryCreator(f"{ECR}/team/app", enabled=True)
    assert "fairing-kfp[ecr]" in caught.value.remedy
    RepositoryCreator(f"{ECR}/team/app")
    RepositoryCreator("registry.example.com/team/app", enabled=True)


def test_other_registries_cannot_be_asked() -> None:
    with pytest.raises(RegistryError, match="create_repository cannot create team/app in harbor") as caught:
        create_repository("harbor.example.com", "team/app")
    assert "its project team" in caught.value.remedy


def test_the_setting(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert not Settings.load(tmp_path).create_repository
    assert Settings.load(tmp_path, create_repository=True).create_repository
    assert not Settings.load(tmp_path, create_repository=None).create_repository
    monkeypatch.setenv("FAIRING_KFP_CREATE_REPOSITORY", "true")
    assert Settings.load(tmp_path).create_repository
