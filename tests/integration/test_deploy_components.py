"""Components that serve, ask, promote, roll back and undeploy, each in a pod as KFP runs it."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

import fairing_kfp
from fairing_kfp.cache.store import Cache
from fairing_kfp.pipeline.builtin_steps import serving_spec_of
from fairing_kfp.pipeline.roles import manifest
from tests.support.administrator import new_namespace
from tests.support.command_line import fairing_kfp as fairing_kfp_command
from tests.support.compiled_pipelines import run_compiled
from tests.support.component_steps import run_component
from tests.support.deploy_pods import DeployPods, Result
from tests.support.kserve_models import V1, model_images, runtime
from tests.support.paths import TESTS, TOP
from tests.support.step_pods import FILES

pytestmark = [
    pytest.mark.registry,
    pytest.mark.kubernetes,
    pytest.mark.filterwarnings("ignore:Unverified HTTPS"),
]


@pytest.fixture(scope="module")
def server(base_image: str, testbed_registry: str, own_components: Path, shared_cache: Cache) -> str:
    """The image of a predictor, which needs a model with a factor."""
    compiled = fairing_kfp.compile(
        fairing_kfp.load_pipeline(f"{TESTS}/pipelines/serving.py:sums"),
        cache=shared_cache,
        registry=f"{testbed_registry}/tests",
        project=f"deploy-{uuid.uuid4().hex[:8]}",
        insecure=[testbed_registry],
        base_image=base_image,
        own_image=(own_components / "image.txt").read_text().strip(),
    )
    executors = next(yaml.safe_load_all(compiled.text))["deploymentSpec"]["executors"].values()
    (spec,) = [spec for spec in (serving_spec_of(one["container"]) for one in executors) if spec]
    return spec.image


@pytest.fixture
def step(own_components: Path, kubectl: Callable[..., str]) -> Iterator[DeployPods]:
    """Runs components in a namespace of its own, whose service account has the roles of both backends."""
    with new_namespace() as namespace:
        kubectl("-n", namespace, "create", "serviceaccount", "pipeline-runner")
        for feature in ("deployment", "kserve"):
            kubectl("apply", "-f", "-", input=manifest(feature, namespace))
        yield DeployPods(kubectl, namespace, own_components)


def get(step: DeployPods, kind: str, name: str) -> Any:
    return json.loads(step.kubectl("-n", step.namespace, "get", kind, name, "-o", "json"))


def names(step: DeployPods, kinds: str) -> list[str]:
    return step.kubectl("-n", step.namespace, "get", kinds, "-o", "name").split()


def test_a_deployment_is_served_asked_rolled_back_and_deleted(
    step: DeployPods, server: str, testbed_registry: str, tmp_path: Path
) -> None:
    step.kubectl("label", "namespace", step.namespace, "pod-security.kubernetes.io/enforce=restricted")
    factors = {"two": '{"factor": 2.0}', "three": '{"factor": 3.0}', "none": '"no model"'}
    literals = [f"--from-literal={name}={text}" for name, text in factors.items()]
    step.kubectl("-n", step.namespace, "create", "configmap", FILES, *literals)
    options: dict[str, Any] = {
        "name": "sums",
        "image": server,
        "insecure": [testbed_registry],
        "load_within": 60,
        "env": {"FAIRING_LINGER_SECONDS": "0"},
        "memory": "128Mi",
        "sample": [[1, 2]],
    }

    first = step.succeed("serve_deployment", model_file="two", host="sums.example.com", **options)
    assert first["endpoint"] == f"http://sums.{step.namespace}.svc"
    assert (first["url"], first["previous"]) == ("http://sums.example.com", "")
    assert first["served_image"].startswith(f"{server.partition('@')[0]}@sha256:")
    assert {"image_seconds", "rollout_seconds", "sample_seconds", "share"} == set(first.metrics)
    deployment = get(step, "deployment", "sums")["spec"]
    assert deployment["template"]["spec"]["containers"][0]["resources"]["requests"]["memory"] == "128Mi"

    asked = step.succeed("predict", endpoint=first["endpoint"], instances=[[1, 2], [3, 4]], expected=[6, 14])
    assert (asked["outcome"], asked.metrics["largest_difference"]) == ("passed", 0)

    failed = step("serve_deployment", model_file="none", **options)
    assert failed.code == 1
    assert "the model cannot be loaded: TypeError" in failed.log
    assert "rolled back to the previous version" in failed.log
    restored = get(step, "deployment", "sums")["spec"]
    assert restored["template"]["spec"]["containers"][0]["image"] == first["served_image"]

    second = step.succeed("serve_deployment", model_file="three", **options)
    assert (second["previous"], second["url"]) == (first["served_image"], "")
    assert names(step, "ingresses") == [], "of the version before"
    back = step.succeed("rollback", name="sums", previous=second["previous"])
    assert back["served"] == first["served_image"]

    _refuse_others(step, tmp_path)
    gone = step.succeed("undeploy", name="sums")
    assert gone["deleted"] == ["Service sums", "Deployment sums"]
    pods = step.kubectl("-n", step.namespace, "get", "pods", "-l", "fairing-kfp/serves=sums", "-o", "name")
    assert (names(step, "deployments,services"), pods) == (["deployment.apps/other"], "")


def _refuse_others(step: DeployPods, tmp_path: Path) -> None:
    """Objects that are not ours stay, and the error tells why."""
    step.kubectl("-n", step.namespace, "create", "deployment", "other", "--image=registry.example.com/other:1")
    before = get(step, "deployment", "other")
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
    assert get(step, "deployment", "other")["spec"] == before["spec"]
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
    step.kubectl("-n", step.namespace, "apply", "-f", "-", input=json.dumps(runtime(base_image, V1)))
    options: dict[str, Any] = {"name": "folder", "model_format": "folder", "load_within": 60}
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
    assert "canary" not in get(step, "inferenceservice", "folder")["spec"]

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
    assert names(step, "inferenceservices,deployments,services") == []


def test_an_image_is_served_by_kserve(step: DeployPods, server: str, testbed_registry: str) -> None:
    step.kubectl("-n", step.namespace, "create", "configmap", FILES, '--from-literal=two={"factor": 2.0}')
    served = step.succeed(
        "serve_kserve", model_file="two", name="sums", image=server, insecure=[testbed_registry], sample=[[1, 2]]
    )

    assert served["served_image"].startswith(f"{server.partition('@')[0]}@sha256:")
    asked = step.succeed("predict", endpoint=served["endpoint"], instances=[[1, 2]], expected=[6], protocol="v2")
    assert asked["outcome"] == "passed"
    for command, printed in (
        ("promote", f"✔ sums serves {served['served_image']}"),  # without a canary
        ("undeploy", "✔ deleted InferenceService sums"),
    ):
        code, output = fairing_kfp_command(command, "sums", "--namespace", step.namespace)
        assert code == 0, output
        assert printed in output.replace("\n", "")
    assert names(step, "inferenceservices") == []
    code, output = fairing_kfp_command("undeploy", "sums", "--namespace", step.namespace)
    assert code == 3
    assert f"nothing is served as sums in the namespace {step.namespace}" in output.replace("\n", " ")
