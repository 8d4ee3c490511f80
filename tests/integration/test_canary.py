"""A canary in KServe's Standard mode, on a real KServe, with models in images."""

from __future__ import annotations

import contextlib
import urllib.request
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import fairing_kfp
from fairing_kfp.cluster.client import Cluster
from fairing_kfp.cluster.connect import from_kubeconfig
from fairing_kfp.cluster.kinds import SERVICE
from fairing_kfp.errors import ServingError
from fairing_kfp.serving import readiness
from fairing_kfp.serving.check import check
from fairing_kfp.serving.image import model_image
from fairing_kfp.serving.model import Model
from fairing_kfp.serving.spec import ServingSpec
from fairing_kfp.serving.step import serve
from tests.support.administrator import create, kind_named, listed
from tests.support.kserve_models import FILES, runtime
from tests.support.waiting import eventually

pytestmark = [
    pytest.mark.registry,
    pytest.mark.kubernetes,
    pytest.mark.filterwarnings("ignore:Unverified HTTPS"),
]


def _answer(url: str) -> str:
    """The response of a Service, whose routes on this node follow its endpoints after a while."""

    def ask() -> str:
        with contextlib.suppress(OSError), urllib.request.urlopen(url, timeout=5) as answer:
            return str(answer.read().decode())
        return ""

    return str(eventually(ask, why=lambda: f"{url} does not answer", pause=0.1))


def _models(base: str, registry: str, folder: Path) -> list[str]:
    """An image with a model alone, and one that a serve step makes, as URIs."""
    project = "serving"
    for name in ("one", "two"):
        (folder / name).mkdir()
        (folder / name / "version").write_text(name)
    one = fairing_kfp.model_image(
        folder / "one", registry=f"{registry}/tests", project=project, insecure=[registry], base_image=base
    )
    spec = ServingSpec("two", image=base, repository=f"{registry}/tests/{project}", insecure=(registry,))
    with model_image(spec) as served:
        two = served.publish(Model.of_artifact(folder / "two", "two"))
    return [f"oci://{one}", f"oci://{two}"]


def test_a_canary_serves_beside_the_version_before_it_until_it_ends(
    namespace: str, base_image: str, testbed_registry: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, two = _models(base_image, testbed_registry, tmp_path)
    create(namespace, runtime(base_image, FILES))
    cluster = Cluster(lambda: replace(from_kubeconfig(), namespace=namespace))
    spec = ServingSpec("folder", target="kserve", model_format="folder", storage=one)

    def answers(*names: str) -> dict[str, str]:
        """What these predictors serve; all by default."""
        addresses = {one["metadata"]["name"]: one["spec"]["clusterIP"] for one in listed(namespace, SERVICE)}
        return {name: _answer(f"http://{addresses[name]}/version") for name in names or addresses}

    def step(**options: Any) -> bool:
        return serve(replace(spec, **options), {}, cluster, log=print).changed

    check(replace(spec, canary=10), cluster, log=print)
    step(canary=10)
    assert answers() == {"folder-predictor": "one"}, "the first version gets all requests"

    assert step(storage=two, canary=10)
    assert answers() == {"folder-predictor": "one", "folder-canary-predictor": "two"}
    assert not step(storage=two, canary=10)
    assert step(storage=two, canary=50)

    assert fairing_kfp.rollback("folder", target="kserve", cluster=cluster) == one
    assert answers("folder-predictor")["folder-predictor"] == "one"

    with monkeypatch.context() as hasty:
        hasty.setattr(readiness, "_STARTUP_SECONDS", 3.0)  # instead of a minute
        with pytest.raises(ServingError, match="rolled back to the previous version"):
            step(storage=one.partition("@")[0] + ":missing", canary=10)
    assert answers("folder-predictor")["folder-predictor"] == "one"

    assert step(storage=two, canary=10)
    assert serve(
        replace(spec, storage=""), {"inputs": {"parameterValues": {"storage": two}}}, cluster, log=print
    ).changed
    assert answers("folder-predictor")["folder-predictor"] == "two"
    (state,) = listed(namespace, kind_named("serving.kserve.io/v1beta1", "InferenceService"))
    assert "canary" not in state["spec"]
