"""Serve steps against a real Kubernetes, KServe and registry."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

import fairing_kfp
from fairing_kfp import Endpoint
from fairing_kfp.cache.store import Cache
from fairing_kfp.cli import main
from fairing_kfp.cluster.client import Cluster
from fairing_kfp.errors import (
    ForbiddenError,
    ForeignObjectError,
    ModelRegistryError,
    NotFoundError,
    RegistryError,
    ServingError,
)
from fairing_kfp.pipeline.builtin_steps import serving_spec_of
from fairing_kfp.pipeline.roles import manifest
from fairing_kfp.registry.client import RegistryClient
from fairing_kfp.serving import readiness
from fairing_kfp.serving.registration import Registration
from fairing_kfp.serving.spec import Autoscaling, ServingSpec
from tests.support.accounts import RecordedCluster, Used, account_with, granted
from tests.support.administrator import create, delete, merge, new_namespace, until
from tests.support.gateway_api import install_gateway_api
from tests.support.model_registry_stand_in import serve_model_registry
from tests.support.paths import TESTS
from tests.support.private_registry import serve_registry
from tests.support.served_models import Load, Place
from tests.support.small_images import layer, push_small_base
from tests.support.step_pods import run_step
from tests.support.waiting import eventually
from tests.support.yaml_documents import documents

pytestmark = [
    pytest.mark.registry,
    pytest.mark.kubernetes,
    pytest.mark.filterwarnings("ignore:Unverified HTTPS"),
]
PIPELINE = f"{TESTS}/pipelines/serving.py:sums"
TARGETS = ("deployment", "kserve")
HASTY = {
    "containers": [
        {
            "name": "main",
            "env": [{"name": "FAIRING_LINGER_SECONDS", "value": "0"}],
            "lifecycle": {"preStop": {"sleep": {"seconds": 1}}},
        }
    ]
}
"""Pods that end at once, for tests that send no requests then."""


@dataclass(frozen=True)
class Images:
    """A compiled pipeline.

    Attributes:
        spec: spec of its serve step.
        specification: the compiled pipeline.
    """

    spec: ServingSpec
    specification: Any


@pytest.fixture(scope="module")
def images(publishing: dict[str, Any], shared_cache: Cache) -> Images:
    compiled = fairing_kfp.compile(
        fairing_kfp.load_pipeline(PIPELINE),
        cache=shared_cache,
        project="serving",
        **publishing,
    )
    specification = documents(compiled.text)[0]
    containers = [one["container"] for one in specification["deploymentSpec"]["executors"].values()]
    (spec,) = [spec for spec in map(serving_spec_of, containers) if spec]
    return Images(spec, specification)


@pytest.fixture
def place(images: Images, namespace: str, tmp_path: Path) -> Iterator[Place]:
    """A model of the test's own, which is not served yet."""
    made = Place.of(namespace, replace(images.spec, name=f"sums{uuid.uuid4().hex[:8]}", pod=HASTY), tmp_path)
    yield made
    made.delete()


@pytest.fixture(scope="module")
def served(images: Images, namespace: str, tmp_path_factory: pytest.TempPathFactory) -> Place:
    """A model whose pod tests share. Each test first serves what it wants to change."""
    return Place.of(namespace, replace(images.spec, pod=HASTY), tmp_path_factory.mktemp("served"))


@pytest.fixture(scope="module")
def gateway_api(kubectl: Callable[..., str], tmp_path_factory: pytest.TempPathFactory) -> None:
    install_gateway_api(kubectl, tmp_path_factory.mktemp("gateway-api"))


@pytest.mark.usefixtures("gateway_api")
@pytest.mark.parametrize("target", TARGETS)
def test_serving_rolling_out_and_rolling_back_with_the_role_alone(target: str, place: Place) -> None:
    """No request is lost while a version replaces another."""
    access = account_with(place.namespace, manifest(target, place.namespace))
    used: Used = set()
    place.cluster = RecordedCluster(lambda: access, used=used)
    place.spec = replace(place.spec, target=target, pod={})
    place.check()

    # The first version cannot be loaded and is deleted.
    with pytest.raises(ServingError, match="the model cannot be loaded: TypeError") as caught:
        place("no model")
    assert "there was no previous version; deleted" in caught.value.message
    assert "in load" in caught.value.message, "no traceback"
    eventually(lambda: not place.objects())  # Kubernetes collects KServe's objects after a while

    first = place(2.0)
    assert first.changed
    assert place.predict(first.endpoint, 1, 2) == 6
    _assert_strict(place)

    # The same version again changes nothing.
    before = place.objects()
    again = place(2.0)
    assert (again.changed, again.image, again.previous) == (False, first.image, first.image)
    for state in before:
        metadata = place.get(state["kind"], state["metadata"]["name"])["metadata"]
        assert metadata["resourceVersion"] == state["metadata"]["resourceVersion"]

    with Load(place.url(first.endpoint), place.spec.name).running() as load:
        load.wait()
        second = place(3.0)
        load.wait()
    assert load.failures == []
    assert (load.answers[0], load.answers[-1]) == (6.0, 9.0)
    assert (second.changed, second.previous) == (True, first.image)
    assert place.predict(second.endpoint, 1, 2) == 9

    # The third version cannot be loaded and is rolled back to the second.
    with pytest.raises(ServingError, match="the model cannot be loaded") as caught:
        place("no model")
    assert "rolled back to the previous version" in caught.value.message
    assert place.predict(second.endpoint, 1, 2) == 9
    metadata = place.get({"deployment": "Deployment", "kserve": "InferenceService"}[target])["metadata"]
    assert metadata["labels"]["app.kubernetes.io/managed-by"] == "fairing-kfp"
    assert "ownerReferences" not in metadata, "it would be collected with the run"
    assert not place(3.0).changed
    assert (place.folder / "image").read_text() == second.image
    assert "Sample request" in (place.folder / "report.html").read_text()

    digest = first.image.partition("@")[2]
    assert fairing_kfp.rollback(place.spec.name, digest, target=target, cluster=place.cluster) == first.image
    assert place.predict(first.endpoint, 1, 2) == 6
    # It is the version that the step applied: applying it again changes nothing.
    assert not place(2.0).changed
    if target == "deployment":
        place(2.0, host="sums.example.com", autoscaling=Autoscaling())
        place(2.0, host="sums.example.com", gateway="infra/public")
        place(2.0)
    # Applying an object that does not exist needs `create`, too.
    assert used | {(group, kind, "create") for group, kind, verb in used if verb == "patch"} == granted(target)


def _assert_strict(place: Place) -> None:
    spec = place.pods()[0]["spec"]
    container = spec["containers"][0]
    assert spec["automountServiceAccountToken"] is False
    assert spec["securityContext"]["runAsNonRoot"] is True
    assert container["securityContext"]["readOnlyRootFilesystem"] is True
    assert container["securityContext"]["capabilities"]["drop"] == ["ALL"]
    assert set(container["resources"]) == {"requests", "limits"}
    assert {"startupProbe", "readinessProbe", "livenessProbe"} < set(container)
    assert not [one for one in container["volumeMounts"] if "serviceaccount" in one["mountPath"]]


def test_our_client_loses_no_prediction_when_a_pod_is_killed(served: Place) -> None:
    result = served(2.0, replicas=2)
    answers = []
    with Endpoint(served.url(result.endpoint), retries=10, protocol="v1") as client:
        for number in range(60):
            if number == 10:
                delete(served.pods()[0], grace=0)
            answers.append(client.predict([[1, 2]])[0])
            time.sleep(0.02)

    assert answers == [6.0] * 60


def test_a_version_is_registered_once_it_serves(place: Place) -> None:
    with serve_model_registry() as registry:
        given = Registration("sums", version="1", metadata={"team": "tests"}, url=registry.url)
        down = replace(given, url="http://127.0.0.1:1")
        for call in (
            lambda: place.check(register=down),
            lambda: place(2.0, register=down),
        ):
            with pytest.raises(ModelRegistryError, match="does not answer"):
                call()
        assert not place.objects()

        place.check(register=given)
        assert not registry.written()
        served = place(2.0, register=given)
        again = place(2.0, register=given)
        with pytest.raises(ModelRegistryError, match="the version 1 of sums in the Model Registry has the URI oci://"):
            place(3.0, register=given)

        assert place.predict(served.endpoint, 1, 2) == 6, "the version with another URI is not rolled out"
        assert served.registered
        assert again.registered == replace(served.registered, created=False)
        (artifact,) = registry.artifacts.values()
        assert artifact["uri"] == f"oci://{served.image}"
        properties = registry.versions["1"]["customProperties"]
        assert properties["endpoint"]["string_value"] == served.endpoint
        assert "version 1 of sums (ID 1), earlier" in (place.folder / "report.html").read_text()


def test_objects_follow_the_options(place: Place) -> None:
    scaling = Autoscaling(least=2, most=4)
    result = place(2.0, service="NodePort", host="sums.example.com", autoscaling=scaling)
    assert place.kinds() == {"Deployment", "Service", "Ingress", "HorizontalPodAutoscaler"}
    assert result.external_urls[0] == "http://sums.example.com"
    assert result.external_urls[1].startswith("http://NODE:3")
    deployment = place.get("Deployment")
    assert deployment["spec"]["replicas"] == 2

    # A step keeps the number of replicas that the autoscaler has set.
    merge(deployment, {"spec": {"replicas": 3}})
    assert not place(2.0, service="NodePort", host="sums.example.com", autoscaling=scaling).changed
    assert place.get("Deployment")["spec"]["replicas"] == 3

    assert place(2.0).changed
    assert place.kinds() == {"Deployment", "Service"}
    assert place.get("Service")["spec"]["type"] == "ClusterIP"
    assert place.get("Deployment")["spec"]["replicas"] == 1


@pytest.mark.usefixtures("gateway_api")
def test_a_route_replaces_an_ingress_and_is_rolled_back(place: Place) -> None:
    routed: dict[str, Any] = {"host": "sums.example.com", "gateway": "infra/public"}
    place.check(**routed)
    place(2.0, host="sums.example.com")
    result = place(2.0, **routed)

    assert result.changed
    assert result.external_urls == ["http://sums.example.com"]
    assert place.kinds() == {"Deployment", "Service"}
    route = place.get("HTTPRoute")
    assert route["spec"]["rules"][0]["backendRefs"][0]["name"] == place.spec.name
    assert route["metadata"]["labels"]["app.kubernetes.io/managed-by"] == "fairing-kfp"
    assert not place(2.0, **routed).changed

    # A version that fails is rolled back with its route.
    with pytest.raises(ServingError, match="rolled back"):
        place("no model", host="other.example.com", gateway="infra/public")
    assert place.get("HTTPRoute")["spec"] == route["spec"]

    # A manual change is reverted, and another owner's route is never changed.
    merge(route, {"spec": {"hostnames": ["x.y"]}})
    assert place(2.0, **routed).changed
    assert place.get("HTTPRoute")["spec"] == route["spec"]
    merge(route, {"metadata": {"labels": {"app.kubernetes.io/managed-by": None}}})
    with pytest.raises(ForeignObjectError, match=f"HTTPRoute {place.spec.name}"):
        place(3.0, **routed)


def test_an_error_in_response_to_the_sample_request_rolls_back(served: Place) -> None:
    first = served(2.0)
    with pytest.raises(ServingError, match=r"sample request to .* failed: 500") as caught:
        served(3.0, sample=[["a", "text"]])
    assert "rolled back to the previous version" in caught.value.message
    assert not served(2.0).changed
    assert served.predict(first.endpoint, 1, 2) == 6


@pytest.fixture(scope="module")
def little(admin: Cluster) -> Iterator[str]:
    """A namespace with a quota that no pod fits into."""
    hard = {"requests.memory": "64Mi"}
    metadata = {"name": "little"}
    quota = {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": metadata, "spec": {"hard": hard}}
    with new_namespace() as name:
        until(create(name, quota), lambda state: state.get("status", {}).get("hard") == hard)
        yield name


@pytest.mark.parametrize("target", TARGETS)
def test_a_quota_is_named(target: str, little: str, images: Images, tmp_path: Path) -> None:
    place = Place.of(little, replace(images.spec, name=target, target=target), tmp_path)
    with pytest.raises(ServingError, match=r"Kubernetes rejects its pods: .*exceeded quota: little") as caught:
        place(2.0)
    assert "request less" in caught.value.remedy
    eventually(lambda: not place.objects())  # Kubernetes deletes what KServe made after the InferenceService


def test_a_digest_that_does_not_exist_is_named_and_rolled_back(served: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    first = served(2.0)
    monkeypatch.setattr(readiness, "_STARTUP_SECONDS", 3.0)  # instead of a minute
    name = first.image.partition("@")[0]
    with pytest.raises(NotFoundError, match=rf"{'0' * 64}"):
        served(3.0, image=f"{name}@sha256:{'0' * 64}")
    with pytest.raises(NotFoundError):
        served.check(image=f"{name}@sha256:{'0' * 64}")
    with pytest.raises(ServingError, match="cannot be pulled") as caught:
        fairing_kfp.rollback("sums", f"sha256:{'0' * 64}", cluster=served.cluster)
    assert "rolled back to the previous version" in caught.value.message
    assert served.predict(first.endpoint, 1, 2) == 6
    assert not served(2.0).changed

    done = CliRunner().invoke(main, ["rollback", "sums", first.image, "--namespace", served.namespace])
    assert done.exit_code == 0, done.output
    assert "sums serves" in done.output
    done = CliRunner().invoke(main, ["rollback", "other", first.image, "--namespace", served.namespace])
    assert done.exit_code == 3
    assert "nothing is served as other" in done.output
    done = CliRunner().invoke(main, ["rollback", "sums", name, "--namespace", served.namespace])
    assert "has no digest" in done.output


def test_the_check_pushes_nothing_and_a_registry_that_is_down_changes_nothing(served: Place, tmp_path: Path) -> None:
    first = served(2.0)
    with serve_registry(tmp_path / "registry") as registry:
        base = push_small_base(RegistryClient([registry.host]), registry.host, "sums", layer("predictor"))
        elsewhere: dict[str, Any] = {"image": f"{registry.host}/sums@{base.digest}", "insecure": (registry.host,)}
        registry.requests()
        served.check(**elsewhere)
        assert [one.partition(" ")[0] for one in registry.requests()] == ["GET", "POST", "DELETE"]
    with pytest.raises(RegistryError, match="refused"):
        served.check(**elsewhere)
    with pytest.raises(RegistryError, match="refused"):
        served(3.0, **elsewhere)
    assert served.predict(first.endpoint, 1, 2) == 6
    assert not served(2.0).changed


def test_an_object_of_another_owner_is_not_changed(place: Place) -> None:
    service = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": place.spec.name}}
    create(place.namespace, {**service, "spec": {"ports": [{"port": 80}]}})
    with pytest.raises(ForeignObjectError, match=rf"Service {place.spec.name} .* belongs to another owner"):
        place(2.0)
    assert place.kinds() == {"Service"}


@pytest.mark.parametrize("target", TARGETS)
def test_the_check_names_the_missing_role(target: str, place: Place, kubectl: Callable[..., str]) -> None:
    access = account_with(place.namespace)
    limited = Cluster(lambda: access)
    with pytest.raises(ForbiddenError, match="list, watch pods") as caught:
        place.check(limited, target=target)
    kubectl("apply", "-f", "-", input=caught.value.remedy.partition("\n")[2])
    place.check(limited, target=target)


def test_a_model_larger_than_the_memory_of_its_step_is_served(
    place: Place, images: Images, kubectl: Callable[..., str]
) -> None:
    """Runs the compiled serve step in 128 MiB of memory, unprivileged."""
    kubectl("apply", "-f", "-", input=manifest("deployment", place.namespace))
    kubectl("-n", place.namespace, "create", "serviceaccount", "pipeline-runner")
    given = {
        "inputs": {"artifacts": {"model": {"artifacts": [{"uri": "minio://models/sums"}]}}},
        "outputs": {
            "outputFile": "/tmp/out.json",
            "parameters": {"endpoint": {"outputFile": "/tmp/outputs/endpoint"}},
            "artifacts": {"report": {"artifacts": [{"uri": "minio://models/report"}]}},
        },
    }
    model = (
        "import os\nos.makedirs('/minio/models/sums')\n"
        "open('/minio/models/sums/factor.json', 'w').write('{\"factor\": 4.0}')\n"
        "for part in range(2):\n"
        "    with open(f'/minio/models/sums/weights-{part}', 'wb') as file:\n"
        "        for _ in range(80): file.write(os.urandom(1 << 20))\n"
    )
    step = images.specification["deploymentSpec"]["executors"]["exec-serve-sums"]["container"]
    ended = run_step(kubectl, place.namespace, step, given, prepare=model, gives="/tmp/outputs/endpoint")

    assert ended.code == 0, ended.log
    assert "response to the sample request" in ended.log
    assert ended.gave == f"http://sums.{place.namespace}.svc"
    assert place.predict(ended.gave, 1, 2) == 12
    container = place.get("Deployment", "sums")["spec"]["template"]["spec"]["containers"][0]
    assert container["resources"]["limits"]


def test_a_model_format_that_no_runtime_loads_is_named(place: Place) -> None:
    options = {"image": "", "target": "kserve", "model_format": "sklearn", "storage": "minio://models/sums", "pod": {}}
    with pytest.raises(ServingError, match="InvalidSpec: NoSupportingRuntime") as caught:
        place(2.0, **options)
    assert "there was no previous version" in caught.value.message
    eventually(lambda: not place.objects())  # KServe holds the InferenceService until it has cleaned up
