"""A canary in KServe's Standard mode, on a real KServe, with models in images."""

from __future__ import annotations

import json
import time
import urllib.request
import uuid
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import fairing_kfp
from fairing_kfp.cluster.client import Cluster
from fairing_kfp.cluster.connect import from_kubeconfig
from fairing_kfp.errors import ServingError
from fairing_kfp.serving.check import check
from fairing_kfp.serving.image import model_image
from fairing_kfp.serving.model import Model
from fairing_kfp.serving.spec import ServingSpec
from fairing_kfp.serving.step import serve
from tests.support.administrator import new_namespace
from tests.support.kserve_models import FILES, runtime

pytestmark = [
    pytest.mark.registry,
    pytest.mark.kubernetes,
    pytest.mark.filterwarnings("ignore:Unverified HTTPS"),
]


def _answer(url: str) -> str:
    """The response of a Service, whose routes on this node follow its endpoints after a while."""
    end = time.monotonic() + 60
    while True:
        try:
            return urllib.request.urlopen(url, timeout=5).read().decode()
        except OSError:
            if time.monotonic() > end:
                raise
            time.sleep(0.2)


def _models(base: str, registry: str, folder: Path) -> list[str]:
    """An image with a model alone, and one that a serve step makes, as URIs."""
    project = f"canary-{uuid.uuid4().hex[:8]}"
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
    kubectl: Callable[..., str], base_image: str, testbed_registry: str, tmp_path: Path
) -> None:
    one, two = _models(base_image, testbed_registry, tmp_path)
    with new_namespace() as namespace:
        kubectl("-n", namespace, "apply", "-f", "-", input=json.dumps(runtime(base_image, FILES)))
        cluster = Cluster(lambda: replace(from_kubeconfig(), namespace=namespace))
        spec = ServingSpec("folder", target="kserve", model_format="folder", storage=one, load_within=60)

        def answers(*names: str) -> dict[str, str]:
            """What these predictors serve; all by default."""
            services = json.loads(kubectl("-n", namespace, "get", "services", "-o", "json"))["items"]
            addresses = {one["metadata"]["name"]: one["spec"]["clusterIP"] for one in services}
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

        with pytest.raises(ServingError, match="rolled back to the previous version"):
            step(storage=one.partition("@")[0] + ":missing", canary=10)
        assert answers("folder-predictor")["folder-predictor"] == "one"

        assert step(storage=two, canary=10)
        assert serve(
            replace(spec, storage=""), {"inputs": {"parameterValues": {"storage": two}}}, cluster, log=print
        ).changed
        assert answers("folder-predictor")["folder-predictor"] == "two"
        state = json.loads(kubectl("-n", namespace, "get", "inferenceservice", "folder", "-o", "json"))
        assert "canary" not in state["spec"]
