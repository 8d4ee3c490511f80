"""Components that serve, ask, promote, roll back and undeploy, in a pod with the rights and memory that KFP's has."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

import fairing_kfp
from fairing_kfp.cache.store import Cache
from fairing_kfp.cluster.kinds import DEPLOYMENT, POD, SERVICE, Kind
from fairing_kfp.pipeline.builtin_steps import serving_spec_of
from fairing_kfp.pipeline.roles import manifest
from tests.support.administrator import administrator, create, merge, remaining
from tests.support.command_line import fairing_kfp as fairing_kfp_command
from tests.support.compiled_pipelines import run_compiled
from tests.support.component_steps import run_component
from tests.support.deploy_pods import DeployPods, Result, start_deploy_pods
from tests.support.kserve_models import V1, model_images, runtime
from tests.support.paths import TESTS, TOP
from tests.support.yaml_documents import documents

pytestmark = [
    pytest.mark.registry,
    pytest.mark.kubernetes,
    pytest.mark.filterwarnings("ignore:Unverified HTTPS"),
]

INGRESS = Kind("networking.k8s.io/v1", "Ingress", "ingresses")
INFERENCE_SERVICE = Kind("serving.kserve.io/v1beta1", "InferenceService", "inferenceservices")
TWO = '{"factor": 2.0}'


@pytest.fixture(scope="module")
def server(base_image: str, testbed_registry: str, own_components: Path, shared_cache: Cache) -> str:
    """The image of a predictor, which needs a model with a factor."""
    compiled = fairing_kfp.compile(
        fairing_kfp.load_pipeline(f"{TESTS}/pipelines/serving.py:sums"),
        cache=shared_cache,
        registry=f"{testbed_registry}/tests",
        project="serving",
        insecure=[testbed_registry],
        base_image=base_image,
        own_image=(own_components / "image.txt").read_text().strip(),
    )
    executors = documents(compiled.text)[0]["deploymentSpec"]["executors"].values()
    (spec,) = [spec for spec in (serving_spec_of(one["container"]) for one in executors) if spec]
    return spec.image


@pytest.fixture(scope="module")
def step(own_components: Path, kubectl: Callable[..., str], namespace: str) -> DeployPods:
    """Runs components with the roles of both backends, unprivileged."""
    kubectl("-n", namespace, "create", "serviceaccount", "pipeline-runner")
    for feature in ("deployment", "kserve"):
        kubectl("apply", "-f", "-", input=manifest(feature, namespace))
    with restricted(namespace):
        return start_deploy_pods(kubectl, namespace, own_components)


@contextlib.contextmanager
def restricted(namespace: str) -> Iterator[None]:
    """Requires the restricted standard of pod security for the block."""
    target = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}}
    label = "pod-security.kubernetes.io/enforce"
    merge(target, {"metadata": {"labels": {label: "restricted"}}})
    yield
    merge(target, {"metadata": {"labels": {label: None}}})


@pytest.fixture
def restricted_step(step: DeployPods) -> Iterator[DeployPods]:
    """Runs components in a namespace under the restricted standard of pod security."""
    with restricted(step.namespace):
        yield step


def names(step: DeployPods, *kinds: Kind) -> list[str]:
    return [f"{kind.kind} {one['metadata']['name']}" for kind in kinds for one in remaining(step.namespace, kind)]


def get(step: DeployPods, kind: Kind, name: str) -> Any:
    return administrator().request("GET", kind.path(step.namespace, name))


def test_a_deployment_is_served_asked_rolled_back_and_deleted(
    restricted_step: DeployPods, server: str, testbed_registry: str, tmp_path: Path
) -> None:
    step = restricted_step
    options: dict[str, Any] = {
        "name": "sums",
        "image": server,
        "insecure": [testbed_registry],
        "env": {"FAIRING_LINGER_SECONDS": "0"},
        "memory": "128Mi",
        "sample": [[1, 2]],
    }

    first = step.succeed("serve_deployment", model=TWO, host="sums.example.com", **options)
    assert first["endpoint"] == f"http://sums.{step.namespace}.svc"
    assert (first["url"], first["previous"]) == ("http://sums.example.com", "")
    assert first["served_image"].startswith(f"{server.partition('@')[0]}@sha256:")
    assert {"image_seconds", "rollout_seconds", "sample_seconds", "share"} == set(first.metrics)
    deployment = get(step, DEPLOYMENT, "sums")["spec"]
    assert deployment["template"]["spec"]["containers"][0]["resources"]["requests"]["memory"] == "128Mi"

    asked = step.succeed("predict", endpoint=first["endpoint"], instances=[[1, 2], [3, 4]], expected=[6, 14])
    assert (asked["outcome"], asked.metrics["largest_difference"]) == ("passed", 0)

    failed = step("serve_deployment", model='"no model"', **options)
    assert failed.code == 1
    assert "the model cannot be loaded: TypeError" in failed.log
    assert "rolled back to the previous version" in failed.log
    restored = get(step, DEPLOYMENT, "sums")["spec"]
    assert restored["template"]["spec"]["containers"][0]["image"] == first["served_image"]

    second = step.succeed("serve_deployment", model='{"factor": 3.0}', **options)
    assert (second["previous"], second["url"]) == (first["served_image"], "")
    assert names(step, INGRESS) == [], "of the version before"
    back = step.succeed("rollback", name="sums", previous=second["previous"])
    assert back["served"] == first["served_image"]

    _refuse_others(step, tmp_path)
    gone = step.succeed("undeploy", name="sums")
    assert gone["deleted"] == ["Service sums", "Deployment sums"]
    assert remaining(step.namespace, POD, "fairing-kfp/serves=sums") == []
    assert names(step, DEPLOYMENT, SERVICE) == ["Deployment other"]


def _refuse_others(step: DeployPods, tmp_path: Path) -> None:
    """Objects that are not ours stay, and the error tells why."""
    labels = {"app": "other"}
    containers = [{"name": "main", "image": "registry.example.com/other:1"}]
    template = {"metadata": {"labels": labels}, "spec": {"containers": containers}}
    spec = {"replicas": 0, "selector": {"matchLabels": labels}, "template": template}
    before = create(
        step.namespace,
        {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "other"}, "spec": spec},
    )
    given = {"name": "other", "namespace": step.namespace}
    for component, more in (
        ("undeploy", {}),
        ("rollback", {"previous": f"sha256:{'0' * 64}"}),
        ("promote_canary", {}),
        ("serve_deployment", {"image": f"registry.example.com/other@sha256:{'0' * 64}"}),
    ):
        refused = run_component(f"deployment/{component}", tmp_path / component, {**given, **more})
        assert refused.code == 1, component
        assert f"Deployment other in the namespace {step.namespace} belongs to another owner" in refused.log
        assert "Traceback" not in refused.log
    assert get(step, DEPLOYMENT, "other")["spec"] == before["spec"]
    absent = run_component("deployment/undeploy", tmp_path / "absent", {**given, "name": "absent"})
    assert absent.code == 1
    assert f"nothing is served as absent in the namespace {step.namespace}" in absent.log
    allowed = run_component(
        "deployment/undeploy", tmp_path / "allowed", {**given, "name": "absent", "missing_ok": True}
    )
    assert allowed.code == 0, allowed.log
    assert allowed.listed["parameterValues"] == {"deleted": []}


def test_canaries_of_kserve_are_promoted_rolled_back_and_deleted(
    step: DeployPods, base_image: str, testbed_registry: str, tmp_path: Path
) -> None:
    one, two = model_images(base_image, testbed_registry, tmp_path)
    create(step.namespace, runtime(base_image, V1))
    options: dict[str, Any] = {"name": "folder", "model_format": "folder"}
    ended: dict[str, Result] = {}

    def run_task(component: str, parameters: Mapping[str, Any]) -> Mapping[str, Any]:
        ended[component] = step.succeed(component.replace("-", "_"), **parameters)
        return ended[component].output["parameterValues"]  # type: ignore[no-any-return]

    def roll_out(storage: str, answer: str) -> list[str]:
        """Runs the reference pipeline."""
        arguments = {"storage": storage, "instances": ["x", "y"], "expected": [answer] * 2}
        arguments |= {"name": "folder", "model_format": "folder"}
        return run_compiled(TOP / "pipelines" / "canary_rollout.yaml", arguments, run_task)

    first = step.succeed("serve_kserve_model", storage=one, canary=10, **options)
    assert first["endpoint"].startswith(f"http://folder-predictor.{step.namespace}.svc")
    assert (first["served_uri"], first["previous"]) == (one, "")
    assert (first["new_endpoint"], first.metrics["share"]) == (first["endpoint"], 100), "it is the only one"

    assert roll_out(two, "two") == ["serve-kserve-model", "predict", "promote-canary"]
    second = ended["serve-kserve-model"]
    assert (second["previous"], second.metrics["share"]) == (one, 10)
    assert second["new_endpoint"] == f"http://folder-canary-predictor.{step.namespace}.svc"
    assert ended["promote-canary"]["served"] == two
    assert "canary" not in get(step, INFERENCE_SERVICE, "folder")["spec"]

    assert roll_out(one, "two") == ["serve-kserve-model", "predict", "rollback"]
    assert "instead of 'two'" in ended["predict"].log
    assert ended["rollback"]["served"] == two, "the version before the canary"
    again = step.succeed("promote_canary", name="folder", sample=["x"])
    assert again["served"] == two
    assert "folder is unchanged" in again.log, "there is no canary"

    back = step.succeed("rollback", name="folder", previous=second["previous"])
    assert back["served"] == one
    step.succeed("predict", endpoint=back["endpoint"], instances=["x"], expected=["one"])
    gone = step.succeed("undeploy", name="folder", target="kserve")
    assert gone["deleted"] == ["InferenceService folder"]
    left = names(step, INFERENCE_SERVICE, DEPLOYMENT, SERVICE)
    assert not [name for name in left if "folder" in name]


def test_an_image_is_served_by_kserve(step: DeployPods, server: str, testbed_registry: str) -> None:
    served = step.succeed(
        "serve_kserve", model=TWO, name="kserved", image=server, insecure=[testbed_registry], sample=[[1, 2]]
    )

    assert served["served_image"].startswith(f"{server.partition('@')[0]}@sha256:")
    asked = step.succeed("predict", endpoint=served["endpoint"], instances=[[1, 2]], expected=[6], protocol="v2")
    assert asked["outcome"] == "passed"
    for command, printed in (
        ("promote", f"✔ kserved serves {served['served_image']}"),  # without a canary
        ("undeploy", "✔ deleted InferenceService kserved"),
    ):
        code, output = fairing_kfp_command(command, "kserved", "--namespace", step.namespace)
        assert code == 0, output
        assert printed in output.replace("\n", "")
    assert "InferenceService kserved" not in names(step, INFERENCE_SERVICE)
    code, output = fairing_kfp_command("undeploy", "kserved", "--namespace", step.namespace)
    assert code == 3
    assert f"nothing is served as kserved in the namespace {step.namespace}" in output.replace("\n", " ")
