"""Fairing's calls against a real Kubernetes, registry and Docker Engine, without Kubeflow Pipelines."""

from __future__ import annotations

import base64
import json
import logging
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import fairing_kfp.classic as fairing
from fairing_kfp.cache.store import Cache
from fairing_kfp.classic import PredictionEndpoint, TrainJob
from fairing_kfp.classic.backends import KubernetesBackend
from fairing_kfp.classic.deployers.kfserving.kfserving import KFServing
from fairing_kfp.classic.frameworks import lightgbm
from fairing_kfp.classic.kubernetes.utils import add_env, get_resource_mutator, volume_mounts
from fairing_kfp.cluster.client import Cluster
from fairing_kfp.cluster.kinds import DEPLOYMENT, JOB, SERVICE, find_kind
from fairing_kfp.cluster.mutators import non_root
from fairing_kfp.errors import DependencyError, JobFailedError, NotInstalledError
from tests.support.administrator import create, kind_named, listed
from tests.support.paths import TESTS
from tests.support.services import missing, require_base_python

pytestmark = [
    pytest.mark.kubernetes,
    pytest.mark.registry,
    pytest.mark.filterwarnings("ignore:Unverified HTTPS"),
]
LIBRARY = Path("/usr/lib/x86_64-linux-gnu/libgomp.so.1")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("classic")


@pytest.fixture(autouse=True)
def project(
    folder: Path,
    namespace: str,
    base_image: str,
    testbed_registry: str,
    shared_cache: Cache,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[None]:
    """A folder of a project whose images and jobs go to the testbed."""
    require_base_python()
    settings = {
        "registry": f"{testbed_registry}/tests",
        "project": f"classic-{folder.name}-{uuid.uuid4().hex[:6]}",
        "insecure": testbed_registry,
        "base_image": base_image,
        "cache": str(shared_cache.root),
    }
    for name, value in settings.items():
        monkeypatch.setenv(f"FAIRING_KFP_{name.upper()}", value)
    monkeypatch.chdir(tmp_path)
    fairing.config.reset()
    yield
    fairing.config.reset()


def scaled(values: list[int], by: int = 1) -> dict[str, Any]:
    import os

    if by == 0:
        raise ValueError("nothing to scale by")
    return {"values": [value * by for value in values], "team": os.environ["TEAM"], "user": os.getuid()}


def test_a_function_runs_in_the_cluster_with_arguments_and_returns_its_result(
    namespace: str, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    mutators = [get_resource_mutator(cpu=0.5, memory=0.2), add_env({"TEAM": "a"}), non_root(1234)]
    fairing.config.set_builder("append", image_name="classic-function")
    fairing.config.set_deployer("job", namespace=namespace, pod_spec_mutators=mutators, labels={"team": "a"})
    remote = fairing.config.fn(scaled)

    assert remote([1, 2], by=3) == {"values": [3, 6], "team": "a", "user": 1234}
    assert "'values': [3, 6]" in capsys.readouterr().out
    with caplog.at_level(logging.WARNING, "fairing_kfp.classic"), pytest.raises(JobFailedError) as failed:
        remote([1], by=0)
    assert "nothing to scale by" in capsys.readouterr().out  # the log was shown
    assert "exit code 1" in str(failed.value)
    assert listed(namespace, JOB, "team=a") == []


@pytest.mark.docker
def test_a_script_runs_from_an_image_of_each_builder(
    namespace: str, tmp_path: Path, docker_engine: Callable[..., str], capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "a.txt").write_text("seven")
    (tmp_path / "helper.py").write_text("def read(path):\n    return open(path).read()\n")
    script = tmp_path / "train.py"
    script.write_text(
        "import os\nfrom helper import read\n"
        "if os.getenv('FAIRING_RUNTIME') is None:\n    raise SystemExit('not in a step')\n"
        "from kubeflow import fairing\nfairing.config.run()\nprint('read', read('data/a.txt'))\n"
    )
    jobs = {}
    for builder in ("docker", "append", "cluster"):
        fairing.config.set_preprocessor("python", input_files=[str(script), "data"])
        options = {"namespace": namespace} if builder == "cluster" else {}
        fairing.config.set_builder(builder, **options)
        fairing.config.set_deployer("job", namespace=namespace, stream_log=False, job_name=f"train-{builder}")
        *_, deployer = fairing.config.run()
        jobs[builder] = deployer.handle

    for builder, job in jobs.items():
        assert job.wait(120) is None
        assert (str(job), job.logs()) == (f"train-{builder}", "read seven")


def variables(*names: str) -> dict[str, str]:
    import os

    return {name: os.environ[name] for name in names}


def met() -> dict[str, str]:
    import os

    import torch.distributed.run  # type: ignore[import-not-found]  # a stand-in

    return {name: os.environ[name] for name in ("RANK", "WORLD_SIZE", "MASTER_ADDR")} | {"of": torch.__name__}


def test_nodes_of_operators_find_each_other(
    namespace: str, train_kinds: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    if not {"tfjob", "pytorchjob"} <= set(train_kinds):
        missing("the cluster has no Training Operator")
    monkeypatch.syspath_prepend(str(TESTS / "stand_ins"))
    fairing.config.set_deployer("tfjob", namespace=namespace, worker_count=1, chief_count=1, stream_log=False)
    tf = fairing.config.fn(variables)("TF_CONFIG")
    fairing.config.set_deployer("pytorchjob", namespace=namespace, cleanup=True, stream_log=False)
    torch = fairing.config.fn(met)()

    found = json.loads(tf.wait(120)["TF_CONFIG"])
    assert (len(found["cluster"]["worker"]), found["task"]) == (2, {"type": "worker", "index": 0})
    result = torch.wait(120)
    assert (result["RANK"], result["WORLD_SIZE"]) == ("0", "2")
    tf_jobs, torch_jobs = (kind_named("kubeflow.org/v1", kind) for kind in ("TFJob", "PyTorchJob"))
    assert [job["metadata"]["name"] for job in listed(namespace, tf_jobs)] == [str(tf)]  # cleanup is False by default
    assert listed(namespace, torch_jobs) == []
    tf.delete()
    assert listed(namespace, tf_jobs) == []


def test_a_notebook_runs_with_its_requirements_and_comes_back(namespace: str, tmp_path: Path) -> None:
    cells = [
        "from kubeflow import fairing\nfairing.config.set_builder('append')",
        "import six\nprint(six.__version__, open('data.txt').read())",
        "raise ValueError('too few rows')",
    ]
    document = {
        "cells": [
            {"cell_type": "code", "metadata": {}, "execution_count": None, "outputs": [], "source": cell}
            for cell in cells
        ],
        "metadata": {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}},
        "nbformat": 4,
        "nbformat_minor": 4,
    }
    (tmp_path / "train.ipynb").write_text(json.dumps(document))
    (tmp_path / "requirements.txt").write_text("six==1.17.0\n")
    (tmp_path / "data.txt").write_text("rows")
    job = TrainJob(
        "train.ipynb", input_files=["requirements.txt", "data.txt"], backend=KubernetesBackend(namespace=namespace)
    )

    try:
        with pytest.raises(JobFailedError, match="too few rows"):
            job.submit()
    except DependencyError as error:
        missing(f"packages cannot be resolved: {error}")
    executed = json.loads(Path("fairing_output_notebook.ipynb").read_text())
    outputs = [output for cell in executed["cells"] for output in cell.get("outputs", [])]
    assert "1.17.0 rows" in json.dumps(outputs)


class Scales:
    def __init__(self) -> None:
        self.factor = float(Path("factor.txt").read_text())

    def predict(self, X: Any, feature_names: Any) -> Any:
        columns = [len(name) for name in feature_names] if feature_names else [1] * len(X[0])
        return [[value * self.factor * column for value, column in zip(row, columns, strict=True)] for row in X]


def hasty(spec: dict[str, Any]) -> dict[str, Any]:
    """Pods that end at once."""
    first, *others = spec["containers"]
    env = [*first.get("env", []), {"name": "FAIRING_LINGER_SECONDS", "value": "0"}]
    return {
        **spec,
        "containers": [{**first, "env": env, "lifecycle": {"preStop": {"sleep": {"seconds": 1}}}}, *others],
    }


def test_a_class_is_served_and_answers_arrays(namespace: str, admin: Cluster, tmp_path: Path) -> None:
    (tmp_path / "factor.txt").write_text("2")
    endpoint = PredictionEndpoint(
        Scales,
        input_files=["factor.txt"],
        backend=KubernetesBackend(namespace=namespace),
        service_type="NodePort",
        pod_spec_mutators=[hasty],
    )

    created = endpoint.create()

    assert (str(created), endpoint.url) == (f"http://scales.{namespace}.svc",) * 2
    assert created.external_urls[0].startswith("http://NODE:")
    data = np.array([[1.0, 2.0], [3.0, 4.0]])
    tensor = {"shape": [2, 2], "values": [2.0, 4.0, 6.0, 8.0]}
    assert endpoint.predict_nparray(data) == {"data": {"names": [], "tensor": tensor}, "meta": {}}
    named = endpoint.predict_nparray(data, feature_names=["a", "bbb"])
    assert named["data"]["tensor"]["values"] == [2.0, 12.0, 6.0, 24.0]
    assert created.predict(data).tolist() == [[2.0, 4.0], [6.0, 8.0]]

    (deployment,) = listed(namespace, DEPLOYMENT)
    image = deployment["spec"]["template"]["spec"]["containers"][0]["image"]
    try:
        services = find_kind(admin, "serving.kserve.io/v1beta1", "InferenceService")
    except NotInstalledError:
        services = None
    if services:
        container = {"image": image, "lifecycle": {"preStop": {"sleep": {"seconds": 1}}}}
        kserve = KFServing("custom", custom_default_container=container, namespace=namespace, labels={"team": "a"})
        served = kserve.deploy(kserve.generate_isvc())
        assert served.predict(data).tolist() == [[2.0, 4.0], [6.0, 8.0]]
        assert kserve.isvc_name in [one["metadata"]["name"] for one in listed(namespace, services, "team=a")]
        served.delete()
        assert listed(namespace, services) == []
    endpoint.delete()
    assert [*listed(namespace, DEPLOYMENT), *listed(namespace, SERVICE)] == []


def test_lightgbm_trains_on_two_nodes_and_predicts(
    namespace: str, tmp_path: Path, testbed_registry: str, base_image: str
) -> None:
    if not LIBRARY.exists():
        missing(f"{LIBRARY}, which LightGBM needs, is not here")
    library = {"libgomp.so.1": base64.b64encode(LIBRARY.read_bytes()).decode()}
    config_map = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "gomp"}, "binaryData": library}
    create(namespace, config_map)
    rows = np.random.default_rng(0).normal(size=(600, 3))
    table = np.column_stack([rows @ [1.0, -2.0, 0.5], rows])
    for name, part in {"part-0": table[:300], "part-1": table[300:], "valid": table}.items():
        np.savetxt(tmp_path / f"{name}.csv", part, delimiter=",", fmt="%.5f")
    options: dict[str, Any] = {
        "docker_registry": f"{testbed_registry}/tests",
        "base_image": base_image,
        "namespace": namespace,
        "pod_spec_mutators": [
            volume_mounts("config_map", "gomp", "/opt/gomp"),
            add_env({"LD_LIBRARY_PATH": "/opt/gomp"}),
        ],
    }
    config = {
        "objective": "regression",
        "num_iterations": 20,
        "num_threads": 1,
        "tree_learner": "data",
        "num_machines": 2,
        "train_data": "part-0.csv,part-1.csv",
        "valid_data": "valid.csv",
        "model_output": "model/boosted.txt",
    }
    try:
        deployer = lightgbm.execute(config, **options)
    except DependencyError as error:
        missing(f"packages cannot be resolved: {error}")
    assert "tree" in (tmp_path / "model" / "boosted.txt").read_text()
    assert "l2: " in deployer.handle.logs()  # type: ignore[union-attr]
    predict = {"task": "predict", "data": "valid.csv", "input_model": "model/boosted.txt", "output_result": "out.txt"}

    lightgbm.execute(predict, **options)

    predicted = np.loadtxt(tmp_path / "out.txt")
    assert predicted.shape == (600,)
    assert np.mean((predicted - table[:, 0]) ** 2) < 0.2 * table[:, 0].var()
