"""Serve steps against a real Kubernetes, KServe and registry."""

from __future__ import annotations

import json
import sys
import threading
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner

import fairing_kfp
from fairing_kfp import Endpoint
from fairing_kfp.cache.store import Cache
from fairing_kfp.cli import main
from fairing_kfp.cluster.client import Cluster
from fairing_kfp.cluster.connect import from_kubeconfig
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
from fairing_kfp.serving.check import check
from fairing_kfp.serving.registration import Registration
from fairing_kfp.serving.result import ServeResult
from fairing_kfp.serving.sample import send_sample
from fairing_kfp.serving.spec import Autoscaling, ServingSpec
from fairing_kfp.serving.step import serve
from tests.support.accounts import RecordedCluster, Used, account_with, granted
from tests.support.administrator import new_namespace
from tests.support.gateway_api import install_gateway_api
from tests.support.model_registry_stand_in import serve_model_registry
from tests.support.paths import TESTS
from tests.support.private_registry import serve_registry
from tests.support.services import missing
from tests.support.small_images import layer, push_small_base
from tests.support.step_pods import run_step
from tests.support.waiting import eventually

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
        own: reference of our own image.
        specification: the compiled pipeline.
    """

    spec: ServingSpec
    own: str
    specification: Any


@pytest.fixture(scope="module")
def images(base_image: str, testbed_registry: str, shared_cache: Cache) -> Images:
    if sys.version_info[:2] != (3, 11):
        missing("the testbed's base image has Python 3.11, which is not this one")
    compiled = fairing_kfp.compile(
        fairing_kfp.load_pipeline(PIPELINE),
        cache=shared_cache,
        registry=f"{testbed_registry}/tests",
        project=f"serve-{uuid.uuid4().hex[:8]}",
        insecure=[testbed_registry],
        base_image=base_image,
    )
    specification = next(yaml.safe_load_all(compiled.text))
    containers = [one["container"] for one in specification["deploymentSpec"]["executors"].values()]
    (spec,) = [spec for spec in map(serving_spec_of, containers) if spec]
    return Images(spec, compiled.images["fairing-kfp"], specification)


@dataclass
class Namespace:
    """A namespace and the model served in it.

    Attributes:
        logged: their logs.
    """

    namespace: str
    cluster: Cluster
    spec: ServingSpec
    folder: Path
    kubectl: Callable[..., str]
    logged: list[str] = field(default_factory=list)

    def __call__(self, factor: object = 2.0, **options: Any) -> ServeResult:
        """Serves a factor; anything but a number cannot be loaded."""
        model = self.folder / "model"
        model.write_text(json.dumps({"factor": factor} if isinstance(factor, float) else factor))
        given = {"inputs": {"artifacts": {"model": {"artifacts": [{"uri": str(model)}]}}}}
        outputs = {name: {"outputFile": str(self.folder / name)} for name in ("endpoint", "image")}
        report = {"report": {"artifacts": [{"uri": str(self.folder / "report.html")}]}}
        places = {"outputs": {"outputFile": str(self.folder / "out"), "parameters": outputs, "artifacts": report}}
        spec = replace(self.spec, **options)
        return serve(spec, {**given, **places}, self.cluster, log=self.logged.append, send_sample=self.send_sample)

    def url(self, endpoint: str) -> str:
        """The IP address of a Service, since its name is not known outside the cluster."""
        name = endpoint.removeprefix("http://").partition(".")[0]
        address = self.get("service", name)["spec"]["clusterIP"]
        return f"http://{address}"

    def send_sample(self, endpoint: str, name: str, sample: Any) -> Any:
        return send_sample(self.url(endpoint), name, sample)

    def get(self, kind: str, name: str) -> Any:
        return json.loads(self.kubectl("-n", self.namespace, "get", kind, name, "-o", "json"))

    def names(self) -> set[str]:
        """The names of all objects that serve a model."""
        kinds = "deployments,services,ingresses,horizontalpodautoscalers,inferenceservices"
        return set(self.kubectl("-n", self.namespace, "get", kinds, "-o", "name").split())

    def predict(self, endpoint: str, *instance: float) -> float:
        with Endpoint(self.url(endpoint), protocol="v1") as client:
            return float(client.predict([list(instance)])[0])


@pytest.fixture
def place(images: Images, kubectl: Callable[..., str], tmp_path: Path) -> Iterator[Namespace]:
    """The test's own namespace, as admin."""
    with new_namespace() as namespace:
        cluster = Cluster(lambda: replace(from_kubeconfig(), namespace=namespace), retry_timeout=20)
        yield Namespace(namespace, cluster, replace(images.spec, pod=HASTY), tmp_path, kubectl)


@pytest.mark.parametrize("target", TARGETS)
def test_serving_rolling_out_and_rolling_back_with_the_role_alone(
    target: str, place: Namespace, kubectl: Callable[..., str], tmp_path: Path
) -> None:
    if target == "deployment":
        install_gateway_api(kubectl, tmp_path)
    access = account_with(place.namespace, manifest(target, place.namespace))
    used: Used = set()
    place.cluster = RecordedCluster(lambda: access, used=used)
    check(replace(place.spec, target=target), place.cluster, log=place.logged.append)

    # The first version cannot be loaded and is deleted.
    with pytest.raises(ServingError, match="the model cannot be loaded: TypeError") as caught:
        place("no model", target=target)
    assert "there was no previous version; deleted" in caught.value.message
    assert "in load" in caught.value.message, "no traceback"
    end = time.monotonic() + 30  # Kubernetes collects KServe's objects after a while
    while place.names() and time.monotonic() < end:
        time.sleep(0.2)
    assert place.names() == set()

    first = place(2.0, target=target)
    assert first.changed
    assert place.predict(first.endpoint, 1, 2) == 6
    _assert_strict(place)

    # The same version again changes nothing.
    main = {"deployment": "deployment", "kserve": "inferenceservice"}[target]
    before = {kind: place.get(*kind.split("/")) for kind in place.names()}
    again = place(2.0, target=target)
    assert (again.changed, again.image, again.previous) == (False, first.image, first.image)
    for name, state in before.items():
        assert place.get(*name.split("/"))["metadata"]["resourceVersion"] == state["metadata"]["resourceVersion"]

    second = place(3.0, target=target)
    assert (second.changed, second.previous) == (True, first.image)
    assert place.predict(second.endpoint, 1, 2) == 9

    # The third version cannot be loaded and is rolled back to the second.
    with pytest.raises(ServingError, match="the model cannot be loaded") as caught:
        place("no model", target=target)
    assert "rolled back to the previous version" in caught.value.message
    assert place.predict(second.endpoint, 1, 2) == 9
    metadata = place.get(main, "sums")["metadata"]
    assert metadata["labels"]["app.kubernetes.io/managed-by"] == "fairing-kfp"
    assert "ownerReferences" not in metadata, "it would be collected with the run"
    assert not place(3.0, target=target).changed

    _roll_back(place, first)
    if target == "deployment":
        place(3.0, host="sums.example.com", autoscaling=Autoscaling())
        place(3.0, host="sums.example.com", gateway="infra/public")
        place(3.0)
    # Applying an object that does not exist needs `create`, too.
    assert used | {(group, kind, "create") for group, kind, verb in used if verb == "patch"} == granted(target)
    assert (place.folder / "image").read_text() == second.image
    assert "Sample request" in (place.folder / "report.html").read_text()


def _roll_back(place: Namespace, first: ServeResult) -> None:
    digest = first.image.partition("@")[2]
    assert fairing_kfp.rollback("sums", digest, target=first.spec.target, cluster=place.cluster) == first.image
    assert place.predict(first.endpoint, 1, 2) == 6
    # It is the version that the step applied: applying it again changes nothing.
    assert not place(2.0, target=first.spec.target).changed
    place(3.0, target=first.spec.target)


def _assert_strict(place: Namespace) -> None:
    pods = json.loads(place.kubectl("-n", place.namespace, "get", "pods", "-l", "fairing-kfp/serves", "-o", "json"))
    spec = next(pod["spec"] for pod in pods["items"] if "deletionTimestamp" not in pod["metadata"])
    container = spec["containers"][0]
    assert spec["automountServiceAccountToken"] is False
    assert spec["securityContext"]["runAsNonRoot"] is True
    assert container["securityContext"]["readOnlyRootFilesystem"] is True
    assert container["securityContext"]["capabilities"]["drop"] == ["ALL"]
    assert set(container["resources"]) == {"requests", "limits"}
    assert {"startupProbe", "readinessProbe", "livenessProbe"} < set(container)
    assert not [one for one in container["volumeMounts"] if "serviceaccount" in one["mountPath"]]


@dataclass
class Load:
    """A steady stream of requests, each over a new connection.

    Attributes:
        answers: predictions, in order.
        failures: errors of failed requests.
    """

    url: str
    answers: list[float] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)

    @contextmanager
    def running(self, each: float = 0.02, most: int = 3000) -> Iterator[Load]:
        over = threading.Event()
        threads = [threading.Thread(target=self._send, args=(over, each, most)) for _ in range(2)]
        for thread in threads:
            thread.start()
        try:
            yield self
        finally:
            over.set()
            for thread in threads:
                thread.join()

    def _send(self, over: threading.Event, each: float, most: int) -> None:
        for _ in range(most):
            if over.wait(each):
                return
            try:
                with urllib.request.urlopen(
                    f"{self.url}/v1/models/sums:predict", b'{"instances": [[1, 2]]}', timeout=10
                ) as answer:
                    self.answers.append(json.load(answer)["predictions"][0])
            except (OSError, ValueError) as error:
                self.failures.append(repr(error))


@pytest.mark.parametrize("target", TARGETS)
def test_no_request_is_lost_while_a_version_replaces_another(target: str, place: Namespace) -> None:
    first = place(2.0, target=target, pod={})
    with Load(place.url(first.endpoint)).running() as load:
        time.sleep(0.5)
        place(3.0, target=target, pod={})
        time.sleep(0.5)

    assert load.failures == []
    assert len(load.answers) > 100
    assert (load.answers[0], load.answers[-1]) == (6.0, 9.0)


def test_our_client_loses_no_prediction_when_a_pod_is_killed(place: Namespace) -> None:
    served = place(2.0, replicas=2)
    pods = place.kubectl("-n", place.namespace, "get", "pods", "-o", "name").split()
    answers = []
    with Endpoint(place.url(served.endpoint), retries=10, protocol="v1") as client:
        for number in range(60):
            if number == 10:
                place.kubectl("-n", place.namespace, "delete", pods[0], "--grace-period=0", "--force", "--wait=false")
            answers.append(client.predict([[1, 2]])[0])
            time.sleep(0.02)

    assert answers == [6.0] * 60


def test_a_version_is_registered_once_it_serves(place: Namespace) -> None:
    with serve_model_registry() as registry:
        given = Registration("sums", version="1", metadata={"team": "tests"}, url=registry.url)
        down = replace(given, url="http://127.0.0.1:1")
        for call in (
            lambda: check(replace(place.spec, register=down), place.cluster, log=place.logged.append),
            lambda: place(2.0, register=down),
        ):
            with pytest.raises(ModelRegistryError, match="does not answer"):
                call()
        assert place.names() == set()

        check(replace(place.spec, register=given), place.cluster, log=place.logged.append)
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


def test_objects_follow_the_options(place: Namespace) -> None:
    scaling = Autoscaling(least=2, most=4)
    result = place(2.0, service="NodePort", host="sums.example.com", autoscaling=scaling)
    assert {name.partition("/")[0] for name in place.names()} == {
        "deployment.apps",
        "service",
        "ingress.networking.k8s.io",
        "horizontalpodautoscaler.autoscaling",
    }
    assert result.external_urls[0] == "http://sums.example.com"
    assert result.external_urls[1].startswith("http://NODE:3")
    assert place.get("deployment", "sums")["spec"]["replicas"] == 2

    # A step keeps the number of replicas that the autoscaler has set.
    place.kubectl("-n", place.namespace, "scale", "deployment/sums", "--replicas=3")
    assert not place(2.0, service="NodePort", host="sums.example.com", autoscaling=scaling).changed
    assert place.get("deployment", "sums")["spec"]["replicas"] == 3

    assert place(2.0).changed
    assert {name.partition("/")[0] for name in place.names()} == {"deployment.apps", "service"}
    assert place.get("service", "sums")["spec"]["type"] == "ClusterIP"
    assert place.get("deployment", "sums")["spec"]["replicas"] == 1


def test_a_route_replaces_an_ingress_and_is_rolled_back(
    place: Namespace, kubectl: Callable[..., str], tmp_path: Path
) -> None:
    install_gateway_api(kubectl, tmp_path)
    check(replace(place.spec, host="sums.example.com", gateway="infra/public"), place.cluster, log=place.logged.append)
    place(2.0, host="sums.example.com")
    routed: dict[str, Any] = {"host": "sums.example.com", "gateway": "infra/public"}
    result = place(2.0, **routed)

    assert result.changed
    assert result.external_urls == ["http://sums.example.com"]
    assert {name.partition("/")[0] for name in place.names()} == {"deployment.apps", "service"}
    route = place.get("httproute", "sums")
    assert route["spec"]["rules"][0]["backendRefs"][0]["name"] == "sums"
    assert route["metadata"]["labels"]["app.kubernetes.io/managed-by"] == "fairing-kfp"
    assert not place(2.0, **routed).changed

    # A version that fails is rolled back with its route.
    with pytest.raises(ServingError, match="rolled back"):
        place("no model", host="other.example.com", gateway="infra/public")
    assert place.get("httproute", "sums")["spec"] == route["spec"]

    # A manual change is reverted, and another owner's route is never changed.
    place.kubectl(
        "-n", place.namespace, "patch", "httproute", "sums", "--type=merge", "-p", '{"spec":{"hostnames":["x.y"]}}'
    )
    assert place(2.0, **routed).changed
    assert place.get("httproute", "sums")["spec"] == route["spec"]
    place.kubectl("-n", place.namespace, "label", "httproute", "sums", "app.kubernetes.io/managed-by-")
    with pytest.raises(ForeignObjectError, match="HTTPRoute sums"):
        place(3.0, **routed)


def test_an_error_in_response_to_the_sample_request_rolls_back(place: Namespace) -> None:
    first = place(2.0)
    with pytest.raises(ServingError, match=r"sample request to .* failed: 500") as caught:
        place(3.0, sample=[["a", "text"]])
    assert "rolled back to the previous version" in caught.value.message
    assert not place(2.0).changed
    assert place.predict(first.endpoint, 1, 2) == 6


@pytest.mark.parametrize("target", TARGETS)
def test_a_quota_is_named(target: str, place: Namespace, kubectl: Callable[..., str]) -> None:
    kubectl("-n", place.namespace, "create", "quota", "little", "--hard=requests.memory=64Mi")
    waiting = r"--for=jsonpath={.status.hard.requests\.memory}=64Mi"
    kubectl("-n", place.namespace, "wait", "quota/little", waiting, "--timeout=30s")
    with pytest.raises(ServingError, match=r"Kubernetes rejects its pods: .*exceeded quota: little") as caught:
        place(2.0, target=target)
    assert "request less" in caught.value.remedy
    eventually(lambda: place.names() == set())  # Kubernetes deletes what KServe made after the InferenceService


def test_a_digest_that_does_not_exist_is_named_and_rolled_back(
    place: Namespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(readiness, "_STARTUP_SECONDS", 3.0)  # instead of a minute
    first = place(2.0)
    name = first.image.partition("@")[0]
    with pytest.raises(NotFoundError, match=rf"{'0' * 64}"):
        place(3.0, image=f"{name}@sha256:{'0' * 64}")
    with pytest.raises(NotFoundError):
        check(replace(place.spec, image=f"{name}@sha256:{'0' * 64}"), place.cluster, log=place.logged.append)
    with pytest.raises(ServingError, match="cannot be pulled") as caught:
        fairing_kfp.rollback("sums", f"sha256:{'0' * 64}", cluster=place.cluster)
    assert "rolled back to the previous version" in caught.value.message
    assert place.predict(first.endpoint, 1, 2) == 6
    assert not place(2.0).changed

    done = CliRunner().invoke(main, ["rollback", "sums", first.image, "--namespace", place.namespace])
    assert done.exit_code == 0, done.output
    assert "sums serves" in done.output
    done = CliRunner().invoke(main, ["rollback", "other", first.image, "--namespace", place.namespace])
    assert done.exit_code == 3
    assert "nothing is served as other" in done.output
    done = CliRunner().invoke(main, ["rollback", "sums", name, "--namespace", place.namespace])
    assert "has no digest" in done.output


def test_a_registry_that_is_down_changes_nothing(place: Namespace, tmp_path: Path) -> None:
    first = place(2.0)
    with serve_registry(tmp_path / "registry") as registry:
        base = push_small_base(RegistryClient([registry.host]), registry.host, "sums", layer("predictor"))
        image = f"{registry.host}/sums@{base.digest}"
        check(replace(place.spec, image=image, insecure=(registry.host,)), place.cluster, log=place.logged.append)
    with pytest.raises(RegistryError, match="refused"):
        check(replace(place.spec, image=image, insecure=(registry.host,)), place.cluster, log=place.logged.append)
    with pytest.raises(RegistryError, match="refused"):
        place(3.0, image=image, insecure=(registry.host,))
    assert place.predict(first.endpoint, 1, 2) == 6
    assert not place(2.0).changed


def test_an_object_of_another_owner_is_not_changed(place: Namespace, kubectl: Callable[..., str]) -> None:
    kubectl("-n", place.namespace, "create", "service", "clusterip", "sums", "--tcp=80:80")
    with pytest.raises(ForeignObjectError, match=r"Service sums .* belongs to another owner"):
        place(2.0)
    assert place.names() == {"service/sums"}


@pytest.mark.parametrize("target", TARGETS)
def test_the_check_names_the_missing_role(target: str, place: Namespace, kubectl: Callable[..., str]) -> None:
    access = account_with(place.namespace)
    limited = Cluster(lambda: access)
    with pytest.raises(ForbiddenError, match="list, watch pods") as caught:
        check(replace(place.spec, target=target), limited, log=place.logged.append)
    kubectl("apply", "-f", "-", input=caught.value.remedy.partition("\n")[2])
    check(replace(place.spec, target=target), limited, log=place.logged.append)


def test_the_check_starts_an_upload_and_cancels_it(place: Namespace, tmp_path: Path) -> None:
    with serve_registry(tmp_path / "registry") as registry:
        base = push_small_base(RegistryClient([registry.host]), registry.host, "sums", layer("predictor"))
        spec = replace(place.spec, image=f"{registry.host}/sums@{base.digest}", insecure=(registry.host,))
        registry.requests()
        check(spec, place.cluster, log=place.logged.append)
        assert [one.partition(" ")[0] for one in registry.requests()] == ["GET", "POST", "DELETE"]


def test_a_model_of_500_mb_is_served_from_unprivileged_pods(
    place: Namespace, images: Images, kubectl: Callable[..., str]
) -> None:
    """Runs the compiled steps: the check, and the serve step in 128 MiB of memory."""
    kubectl("apply", "-f", "-", input=manifest("deployment", place.namespace))
    kubectl("-n", place.namespace, "create", "serviceaccount", "pipeline-runner")
    executors = images.specification["deploymentSpec"]["executors"]
    checked = run_step(kubectl, place.namespace, executors["exec-check-serve-sums"]["container"])
    assert checked.code == 0, checked.log

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
        "open('/minio/models/sums/factor.json', 'w').write('{\"factor\": 2.0}')\n"
        "for part in range(5):\n"
        "    with open(f'/minio/models/sums/weights-{part}', 'wb') as file:\n"
        "        for _ in range(100): file.write(os.urandom(1 << 20))\n"
    )
    began = time.monotonic()
    step = executors["exec-serve-sums"]["container"]
    served = run_step(kubectl, place.namespace, step, given, prepare=model, gives="/tmp/outputs/endpoint")

    assert served.code == 0, served.log
    assert "response to the sample request" in served.log
    assert served.gave == f"http://sums.{place.namespace}.svc"
    assert place.predict(served.gave, 1, 2) == 6
    assert place.get("deployment", "sums")["spec"]["template"]["spec"]["containers"][0]["resources"]["limits"]
    print(f"served after {time.monotonic() - began:.0f} s\n{served.log}")


def test_a_model_format_that_no_runtime_loads_is_named(place: Namespace) -> None:
    options = {"image": "", "target": "kserve", "model_format": "sklearn", "storage": "minio://models/sums", "pod": {}}
    with pytest.raises(ServingError, match="InvalidSpec: NoSupportingRuntime") as caught:
        place(2.0, **options)
    assert "there was no previous version" in caught.value.message
    assert place.names() == set()
