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
from fairing_kfp.build.cache import Cache
from fairing_kfp.cli import main
from fairing_kfp.cluster.client import Cluster
from fairing_kfp.cluster.connect import from_kubeconfig
from fairing_kfp.cluster.rbac import manifest
from fairing_kfp.errors import (
    ForbiddenError,
    ForeignObjectError,
    NotFoundError,
    RegistryError,
    ServingError,
)
from fairing_kfp.registry.client import RegistryClient
from fairing_kfp.serving import arrival
from fairing_kfp.serving.check import check
from fairing_kfp.serving.compiled import serve_order
from fairing_kfp.serving.order import Autoscaling, Order
from fairing_kfp.serving.outcome import Outcome
from fairing_kfp.serving.sample import ask
from fairing_kfp.serving.step import serve
from tests.accounts import RecordedCluster, Used, account_with, granted
from tests.integration.conftest import missing, new_namespace, serve_registry
from tests.integration.step_pods import run_step
from tests.small_images import layer, push_small_base

pytestmark = [
    pytest.mark.registry,
    pytest.mark.kubernetes,
    pytest.mark.filterwarnings("ignore:Unverified HTTPS"),
]
PIPELINE = f"{Path(__file__).parents[1]}/pipelines/serving.py:sums"
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
"""Pods that end at once, for tests in which nobody asks them then."""


@dataclass(frozen=True)
class Images:
    """What compiling the pipeline published.

    Attributes:
        order: that of its serve step.
        own: our own image.
        specification: the compiled pipeline.
    """

    order: Order
    own: str
    specification: Any


@pytest.fixture(scope="module")
def images(base_image: str, testbed_registry: str, tmp_path_factory: pytest.TempPathFactory) -> Images:
    if sys.version_info[:2] != (3, 11):
        missing("the testbed's base image has Python 3.11, which is not this one")
    compiled = fairing_kfp.compile(
        fairing_kfp.load_pipeline(PIPELINE),
        cache=Cache(tmp_path_factory.mktemp("serve-cache")),
        registry=f"{testbed_registry}/tests",
        project=f"serve-{uuid.uuid4().hex[:8]}",
        insecure=[testbed_registry],
        base_image=base_image,
    )
    specification = next(yaml.safe_load_all(compiled.text))
    containers = [one["container"] for one in specification["deploymentSpec"]["executors"].values()]
    (order,) = [order for order in map(serve_order, containers) if order]
    return Images(order, compiled.images["fairing-kfp"], specification)


@dataclass
class Place:
    """A namespace, and what is served in it.

    Attributes:
        used: what the steps were allowed to do, and did.
        said: their logs.
    """

    namespace: str
    cluster: Cluster
    order: Order
    folder: Path
    kubectl: Callable[..., str]
    said: list[str] = field(default_factory=list)

    def __call__(self, factor: object = 2.0, **options: Any) -> Outcome:
        """Serves a factor; what is no number cannot be loaded."""
        model = self.folder / "model"
        model.write_text(json.dumps({"factor": factor} if isinstance(factor, float) else factor))
        given = {"inputs": {"artifacts": {"model": {"artifacts": [{"uri": str(model)}]}}}}
        outputs = {name: {"outputFile": str(self.folder / name)} for name in ("endpoint", "image")}
        report = {"report": {"artifacts": [{"uri": str(self.folder / "report.html")}]}}
        places = {"outputs": {"outputFile": str(self.folder / "out"), "parameters": outputs, "artifacts": report}}
        order = replace(self.order, **options)
        return serve(order, {**given, **places}, self.cluster, say=self.said.append, ask=self.ask)

    def url(self, endpoint: str) -> str:
        """The address of a Service, as names are not known outside of pods."""
        name = endpoint.removeprefix("http://").partition(".")[0]
        address = self.get("service", name)["spec"]["clusterIP"]
        return f"http://{address}"

    def ask(self, endpoint: str, name: str, sample: Any) -> Any:
        return ask(self.url(endpoint), name, sample)

    def get(self, kind: str, name: str) -> Any:
        return json.loads(self.kubectl("-n", self.namespace, "get", kind, name, "-o", "json"))

    def names(self) -> set[str]:
        """All that serves, or did."""
        kinds = "deployments,services,ingresses,horizontalpodautoscalers,inferenceservices"
        return set(self.kubectl("-n", self.namespace, "get", kinds, "-o", "name").split())

    def predict(self, endpoint: str, *instance: float) -> float:
        with Endpoint(self.url(endpoint), protocol="v1") as client:
            return float(client.predict([list(instance)])[0])


@pytest.fixture
def place(images: Images, kubectl: Callable[..., str], tmp_path: Path) -> Iterator[Place]:
    """A namespace of a test's own, as admin."""
    with new_namespace(kubectl) as namespace:
        cluster = Cluster(lambda: replace(from_kubeconfig(), namespace=namespace), patience=20)
        yield Place(namespace, cluster, replace(images.order, pod=HASTY), tmp_path, kubectl)


@pytest.mark.parametrize("target", TARGETS)
def test_it_serves_rolls_and_comes_back_with_its_role_alone(
    target: str, place: Place, kubectl: Callable[..., str]
) -> None:
    access = account_with(kubectl, place.namespace, manifest(target, place.namespace))
    used: Used = set()
    place.cluster = RecordedCluster(lambda: access, used=used)
    check(replace(place.order, target=target), place.cluster, say=place.said.append)

    # The first version cannot be loaded: nothing is left of it.
    with pytest.raises(ServingError, match="the model cannot be loaded: TypeError") as caught:
        place("no model", target=target)
    assert "nothing served before, and nothing is left" in caught.value.message
    assert "in load" in caught.value.message, "no traceback"
    end = time.monotonic() + 30  # KServe's own objects are collected by Kubernetes, in its own time
    while place.names() and time.monotonic() < end:
        time.sleep(0.2)
    assert place.names() == set()

    first = place(2.0, target=target)
    assert first.changed
    assert place.predict(first.endpoint, 1, 2) == 6
    _assert_strict(place)

    # The same again changes nothing.
    main = {"deployment": "deployment", "kserve": "inferenceservice"}[target]
    before = {kind: place.get(*kind.split("/")) for kind in place.names()}
    again = place(2.0, target=target)
    assert (again.changed, again.image, again.before) == (False, first.image, first.image)
    for name, state in before.items():
        assert place.get(*name.split("/"))["metadata"]["resourceVersion"] == state["metadata"]["resourceVersion"]

    second = place(3.0, target=target)
    assert (second.changed, second.before) == (True, first.image)
    assert place.predict(second.endpoint, 1, 2) == 9

    # The third cannot be loaded: the second serves on, and nothing else is asked for.
    with pytest.raises(ServingError, match="the model cannot be loaded") as caught:
        place("no model", target=target)
    assert "the version before serves on" in caught.value.message
    assert place.predict(second.endpoint, 1, 2) == 9
    metadata = place.get(main, "sums")["metadata"]
    assert metadata["labels"]["app.kubernetes.io/managed-by"] == "fairing-kfp"
    assert "ownerReferences" not in metadata, "it would be collected with the run"
    assert not place(3.0, target=target).changed

    _roll_back(place, first)
    if target == "deployment":
        place(3.0, host="sums.example.com", autoscaling=Autoscaling())
        place(3.0)
    # Kubernetes asks for `create`, too, where what is applied is not there yet.
    assert used | {(group, kind, "create") for group, kind, verb in used if verb == "patch"} == granted(target)
    assert (place.folder / "image").read_text() == second.image
    assert "Sample request" in (place.folder / "report.html").read_text()


def _roll_back(place: Place, first: Outcome) -> None:
    digest = first.image.partition("@")[2]
    assert fairing_kfp.rollback("sums", digest, target=first.order.target, cluster=place.cluster) == first.image
    assert place.predict(first.endpoint, 1, 2) == 6
    # It is the very version that the step applied: to apply it anew changes nothing.
    assert not place(2.0, target=first.order.target).changed
    place(3.0, target=first.order.target)


def _assert_strict(place: Place) -> None:
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
    """A steady stream of requests, each over a connection of its own.

    Attributes:
        answers: what came, in order.
        failures: what did not.
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
def test_no_request_is_lost_while_a_version_replaces_another(target: str, place: Place) -> None:
    first = place(2.0, target=target, pod={})
    with Load(place.url(first.endpoint)).running() as load:
        time.sleep(0.5)
        place(3.0, target=target, pod={})
        time.sleep(0.5)

    assert load.failures == []
    assert len(load.answers) > 100
    assert (load.answers[0], load.answers[-1]) == (6.0, 9.0)


def test_a_pod_that_is_killed_costs_no_prediction_of_our_client(place: Place) -> None:
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


def test_beside_it_what_is_wanted_and_no_more(place: Place) -> None:
    scaling = Autoscaling(least=2, most=4)
    outcome = place(2.0, service="NodePort", host="sums.example.com", autoscaling=scaling)
    assert {name.partition("/")[0] for name in place.names()} == {
        "deployment.apps",
        "service",
        "ingress.networking.k8s.io",
        "horizontalpodautoscaler.autoscaling",
    }
    assert outcome.outside[0] == "http://sums.example.com"
    assert outcome.outside[1].startswith("http://NODE:3")
    assert place.get("deployment", "sums")["spec"]["replicas"] == 2

    # Once the autoscaler has decided, a step leaves its decision as it is.
    place.kubectl("-n", place.namespace, "scale", "deployment/sums", "--replicas=3")
    assert not place(2.0, service="NodePort", host="sums.example.com", autoscaling=scaling).changed
    assert place.get("deployment", "sums")["spec"]["replicas"] == 3

    assert place(2.0).changed
    assert {name.partition("/")[0] for name in place.names()} == {"deployment.apps", "service"}
    assert place.get("service", "sums")["spec"]["type"] == "ClusterIP"
    assert place.get("deployment", "sums")["spec"]["replicas"] == 1


def test_a_bad_answer_to_the_sample_request_brings_the_version_before_back(place: Place) -> None:
    first = place(2.0)
    with pytest.raises(ServingError, match=r"sample request to .* is answered with 500") as caught:
        place(3.0, sample=[["a", "text"]])
    assert "the version before serves on" in caught.value.message
    assert not place(2.0).changed
    assert place.predict(first.endpoint, 1, 2) == 6


@pytest.mark.parametrize("target", TARGETS)
def test_a_quota_is_named(target: str, place: Place, kubectl: Callable[..., str]) -> None:
    kubectl("-n", place.namespace, "create", "quota", "little", "--hard=requests.memory=64Mi")
    waiting = r"--for=jsonpath={.status.hard.requests\.memory}=64Mi"
    kubectl("-n", place.namespace, "wait", "quota/little", waiting, "--timeout=30s")
    with pytest.raises(ServingError, match=r"its pods are refused: .*exceeded quota: little") as caught:
        place(2.0, target=target)
    assert "ask for less" in caught.value.remedy
    assert place.names() == set()


def test_a_digest_that_vanished_is_named_and_the_version_before_serves_on(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(arrival, "_SLACK", 3.0)  # instead of a minute
    first = place(2.0)
    name = first.image.partition("@")[0]
    with pytest.raises(NotFoundError, match=rf"{'0' * 64}"):
        place(3.0, image=f"{name}@sha256:{'0' * 64}")
    with pytest.raises(NotFoundError):
        check(replace(place.order, image=f"{name}@sha256:{'0' * 64}"), place.cluster, say=place.said.append)
    with pytest.raises(ServingError, match="cannot be pulled") as caught:
        fairing_kfp.rollback("sums", f"sha256:{'0' * 64}", cluster=place.cluster)
    assert "the version before serves on" in caught.value.message
    assert place.predict(first.endpoint, 1, 2) == 6
    assert not place(2.0).changed

    done = CliRunner().invoke(main, ["rollback", "sums", first.image, "--namespace", place.namespace])
    assert done.exit_code == 0, done.output
    assert "sums serves" in done.output
    done = CliRunner().invoke(main, ["rollback", "other", first.image, "--namespace", place.namespace])
    assert done.exit_code == 1
    assert "nothing is served by the name other" in done.output
    done = CliRunner().invoke(main, ["rollback", "sums", name, "--namespace", place.namespace])
    assert "names no digest" in done.output


def test_a_registry_that_is_down_changes_nothing(place: Place, tmp_path: Path) -> None:
    first = place(2.0)
    with serve_registry(tmp_path / "registry") as registry:
        base = push_small_base(RegistryClient([registry.host]), registry.host, "sums", layer("predictor"))
        image = f"{registry.host}/sums@{base.digest}"
        check(replace(place.order, image=image, insecure=(registry.host,)), place.cluster, say=place.said.append)
    with pytest.raises(RegistryError, match="refused"):
        check(replace(place.order, image=image, insecure=(registry.host,)), place.cluster, say=place.said.append)
    with pytest.raises(RegistryError, match="refused"):
        place(3.0, image=image, insecure=(registry.host,))
    assert place.predict(first.endpoint, 1, 2) == 6
    assert not place(2.0).changed


def test_a_name_of_somebody_else_is_left_alone(place: Place, kubectl: Callable[..., str]) -> None:
    kubectl("-n", place.namespace, "create", "service", "clusterip", "sums", "--tcp=80:80")
    with pytest.raises(ForeignObjectError, match=r"Service sums .* is not ours"):
        place(2.0)
    assert place.names() == {"service/sums"}


@pytest.mark.parametrize("target", TARGETS)
def test_the_check_gives_the_role_that_is_missing(target: str, place: Place, kubectl: Callable[..., str]) -> None:
    access = account_with(kubectl, place.namespace)
    limited = Cluster(lambda: access)
    with pytest.raises(ForbiddenError, match="may not watch pods") as caught:
        check(replace(place.order, target=target), limited, say=place.said.append)
    kubectl("apply", "-f", "-", input=caught.value.remedy.partition("\n")[2])
    check(replace(place.order, target=target), limited, say=place.said.append)


def test_the_check_begins_an_upload_and_cancels_it(place: Place, tmp_path: Path) -> None:
    with serve_registry(tmp_path / "registry") as registry:
        base = push_small_base(RegistryClient([registry.host]), registry.host, "sums", layer("predictor"))
        order = replace(place.order, image=f"{registry.host}/sums@{base.digest}", insecure=(registry.host,))
        registry.requests()
        check(order, place.cluster, say=place.said.append)
        assert [one.partition(" ")[0] for one in registry.requests()] == ["GET", "POST", "DELETE"]


def test_a_model_of_500_mb_is_served_from_pods_without_privilege(
    place: Place, images: Images, kubectl: Callable[..., str]
) -> None:
    """The compiled steps themselves: the check, and the step in 128 MiB of memory."""
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
    assert "the sample request is answered with" in served.log
    assert served.gave == f"http://sums.{place.namespace}.svc"
    assert place.predict(served.gave, 1, 2) == 6
    assert place.get("deployment", "sums")["spec"]["template"]["spec"]["containers"][0]["resources"]["limits"]
    print(f"served after {time.monotonic() - began:.0f} s\n{served.log}")


def test_a_model_format_that_no_runtime_loads_is_named(place: Place) -> None:
    options = {"image": "", "target": "kserve", "model_format": "sklearn", "storage": "minio://models/sums", "pod": {}}
    with pytest.raises(ServingError, match="InvalidSpec: NoSupportingRuntime") as caught:
        place(2.0, **options)
    assert "nothing is left" in caught.value.message
    assert place.names() == set()
