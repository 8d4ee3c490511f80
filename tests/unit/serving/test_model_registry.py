"""The client of the Model Registry, and the entry that a serve step writes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from fairing_kfp.errors import ConfigError, ModelRegistryError
from fairing_kfp.serving import model_registry as module
from fairing_kfp.serving.model_registry import ModelRegistry, model_registry
from fairing_kfp.serving.registration import TOKEN_FILE, ModelVersion, Registration, property_value
from fairing_kfp.serving.registry_entry import RegistryEntry
from fairing_kfp.serving.spec import ServingSpec
from tests.support.authority import Authority, make_authority
from tests.support.model_registry_stand_in import ModelRegistryStandIn, serve_model_registry

URI = f"oci://registry.example.com/me/p@sha256:{'a' * 64}"
OTHER = f"oci://registry.example.com/me/p@sha256:{'b' * 64}"
VERSION = ModelVersion("digits", "1", URI, properties={"accuracy": 0.97, "rows": 12, "kind": "forest", "dry": False})


@pytest.fixture(autouse=True)
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """Retries follow at once."""
    monkeypatch.setattr(module, "_BACKOFF_SECONDS", 0.0)


@pytest.fixture
def registry() -> Iterator[ModelRegistryStandIn]:
    with serve_model_registry() as stand_in:
        yield stand_in


@pytest.fixture
def client(registry: ModelRegistryStandIn) -> Iterator[ModelRegistry]:
    made = ModelRegistry(registry.url)
    yield made
    made.close()


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return make_authority(tmp_path_factory.mktemp("authority"))


def test_a_version_is_registered_once(registry: ModelRegistryStandIn, client: ModelRegistry) -> None:
    client.check()
    assert client.find(VERSION) is None
    assert not registry.written()

    first = client.register(VERSION)
    written = registry.written()
    again = client.register(VERSION)
    second = client.register(ModelVersion("digits", "2", OTHER))

    assert (first.created, again.created, first.version_id, again.version_id) == (True, False, "1", "1")
    assert client.find(VERSION) == again
    assert written == ["/registered_models", "/model_versions", "/model_versions/1/artifacts"]
    assert registry.written()[3:] == ["/model_versions", "/model_versions/2/artifacts"]
    assert [one["name"] for one in registry.models.values()] == ["digits"]
    assert registry.versions["1"]["customProperties"] == {
        name: property_value(v) for name, v in VERSION.properties.items()
    }
    assert registry.artifacts["1"]["uri"] == URI
    assert registry.artifacts["1"]["state"] == "LIVE"
    assert second.version_id == "2"


def test_a_version_with_another_uri_is_an_error(registry: ModelRegistryStandIn, client: ModelRegistry) -> None:
    client.register(VERSION)
    registry.requests.clear()
    changed = ModelVersion("digits", "1", OTHER)

    for call in (client.find, client.register):
        with pytest.raises(ModelRegistryError, match=f"the version 1 of digits .* has the URI {URI}, not {OTHER}"):
            call(changed)
    assert not registry.written()


@pytest.mark.parametrize("failing", ["POST /model_versions", "POST /model_versions/1/artifacts"])
def test_what_a_failed_request_left_is_completed(
    failing: str, registry: ModelRegistryStandIn, client: ModelRegistry
) -> None:
    registry.failing = {failing: 500}
    with pytest.raises(ModelRegistryError, match=f"answers {failing} with 500: out of order"):
        client.register(VERSION)
    registry.failing = {}

    assert client.register(VERSION).created
    assert [len(found) for found in (registry.models, registry.versions, registry.artifacts)] == [1, 1, 1]


def test_another_client_may_create_the_model_first(registry: ModelRegistryStandIn, client: ModelRegistry) -> None:
    registry.races = {"/registered_models", "/model_versions"}

    assert client.register(VERSION).created
    assert [len(found) for found in (registry.models, registry.versions, registry.artifacts)] == [1, 1, 1]


def test_artifacts_are_read_page_by_page(registry: ModelRegistryStandIn, client: ModelRegistry) -> None:
    client.register(VERSION)
    for number in range(2, 6):
        registry.artifacts[str(number)] = {
            "id": str(number), "artifactType": "model-artifact", "version": "1", "uri": OTHER, "name": str(number)
        }  # fmt: skip
    registry.artifacts["6"] = {**registry.artifacts.pop("1"), "id": "6"}

    assert client.find(VERSION) is not None


def test_a_busy_registry_is_asked_again(registry: ModelRegistryStandIn, client: ModelRegistry) -> None:
    registry.failures = [503, 502]

    client.check()
    assert registry.requests == ["GET /registered_models"] * 3


def test_a_token_and_a_private_authority(authority: Authority, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "token"
    with serve_model_registry(authority.server_context(), token="made-up-token") as registry:
        given = Registration("digits", url=registry.url)
        with (
            model_registry(given) as client,
            pytest.raises(ModelRegistryError, match=r"does not answer: .*CERTIFICATE"),
        ):
            client.check()
        with (
            model_registry(given, authority.ca.read_text()) as client,
            pytest.raises(ModelRegistryError, match=r"refuses the request \(401\)") as caught,
        ):
            client.check()
        assert "token_secret" in caught.value.remedy
        monkeypatch.setenv(TOKEN_FILE, str(file))
        with pytest.raises(ConfigError, match="cannot read the token"), model_registry(given):
            pass
        file.write_text("made-up-token\n")
        with model_registry(given, authority.ca.read_text()) as client:
            client.check()
    with pytest.raises(ConfigError, match="the CA certificates are malformed"), model_registry(given, "PEM"):
        pass


def test_a_registry_that_is_down_or_none_is_an_error(registry: ModelRegistryStandIn) -> None:
    with pytest.raises(ModelRegistryError, match="is not a Model Registry"):
        ModelRegistry(f"{registry.url}/elsewhere").check()
    with pytest.raises(ModelRegistryError, match="is not a Model Registry"):
        ModelRegistry(f"{registry.url}/elsewhere").find(VERSION)
    with pytest.raises(ModelRegistryError, match=r"http://127\.0\.0\.1:1 does not answer"):
        ModelRegistry("http://127.0.0.1:1").check()


@pytest.mark.parametrize(
    ("value", "kind", "written"),
    [
        (True, "Bool", True),
        (-3, "Int", "-3"),
        (10**12, "Double", 1e12),
        (0.5, "Double", 0.5),
        (float("nan"), "String", "NaN"),
        ("a", "String", "a"),
        ([1, {"b": None}], "String", '[1, {"b": null}]'),
    ],
)
def test_values_of_properties(value: Any, kind: str, written: Any) -> None:
    assert property_value(value) == {
        "metadataType": f"Metadata{kind}Value", f"{kind.lower()}_value": written
    }  # fmt: skip


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"name": ""}, r"name=''\) is not a name"),
        ({"name": "Zähler"}, r"name='Zähler'\) is not a name"),
        ({"name": "digits", "version": 3}, r"version=3\) is not a name"),
        ({"name": "digits", "url": "registry.example.com"}, "the URL of the Model Registry is malformed"),
        ({"name": "digits", "url": "https://me:made-up@registry.example.com"}, "the URL .* is malformed"),
        ({"name": "digits", "metadata": {"a b": 1}}, "'a b' in the metadata of Registration"),
    ],
)
def test_malformed_registrations(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message) as caught:
        Registration(**options)
    assert "made-up" not in str(caught.value)


def _input(**parameters: Any) -> dict[str, Any]:
    model = {"uri": "minio://a/model", "metadata": {"accuracy": 0.9, "framework": "sklearn"}}
    return {"inputs": {"artifacts": {"model": {"artifacts": [model]}}, "parameterValues": parameters}}


def test_the_entry_of_a_step(registry: ModelRegistryStandIn) -> None:
    registration = Registration("digits", metadata={"team": "vision"}, url=registry.url)
    spec = ServingSpec("served", image=URI, register=registration)
    given = _input(run_id="r-1", run_name="nightly", metadata_accuracy=0.97)
    entry = RegistryEntry.of_step(spec, given, image=URI.removeprefix("oci://"), uri="", namespace="me")
    log: list[str] = []
    assert entry
    entry.check()
    made = entry.write("served", "http://served.me.svc", log.append)

    assert (made.model, made.version, made.created) == ("digits", "a" * 12, True)
    assert log == [f"version {'a' * 12} of digits is registered in the Model Registry"]
    properties = registry.versions["1"]["customProperties"]
    assert {name: list(value.values())[-1] for name, value in properties.items()} == {
        "accuracy": 0.97,
        "endpoint": "http://served.me.svc",
        "framework": "sklearn",
        "image": URI.removeprefix("oci://"),
        "run_id": "r-1",
        "team": "vision",
    }
    artifact = registry.artifacts["1"]
    assert artifact["uri"] == URI
    source = {key.removeprefix("modelSource"): value for key, value in artifact.items() if "Source" in key}
    assert source == {"Kind": "pipelines", "Class": "pipelinerun", "Group": "me", "Id": "r-1", "Name": "nightly"}


def test_a_model_that_is_in_no_image_has_the_runs_version() -> None:
    spec = ServingSpec("served", target="kserve", model_format="onnx", storage="s3://b/m", register=Registration("m"))
    entry = RegistryEntry.of_step(spec, _input(run_id="r-1"), image="", uri="s3://b/m", namespace="me")

    assert entry
    assert (entry.version.name, entry.version.uri, entry.version.format) == ("r-1", "s3://b/m", "onnx")
    assert RegistryEntry.of_step(ServingSpec("served"), _input(), image="", uri="", namespace="me") is None


def test_a_version_that_serves_but_is_not_registered_is_an_error(registry: ModelRegistryStandIn) -> None:
    spec = ServingSpec("served", image=URI, register=Registration("digits", url=registry.url))
    entry = RegistryEntry.of_step(spec, _input(), image=URI.removeprefix("oci://"), uri="", namespace="me")
    registry.failing = {"POST /model_versions": 500}

    message = "served serves at http://served.me.svc, but is not registered: .* with 500"
    assert entry
    with pytest.raises(ModelRegistryError, match=message) as caught:
        entry.write("served", "http://served.me.svc", print)
    assert "run the step again" in caught.value.remedy
