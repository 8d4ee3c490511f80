"""From a trained model to its first prediction: a serve step, and Docker with kubectl."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import sys
import threading
import time
import urllib.request
import uuid
import warnings
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

import yaml

import fairing_kfp
from bench.measure import Cost, MissingError, Stages, Table, run_program, take_turns
from bench.services import Workplace, docker, workplace
from bench.start import silence
from fairing_kfp.cache.store import Cache
from fairing_kfp.cluster.client import Cluster
from fairing_kfp.cluster.connect import from_kubeconfig
from fairing_kfp.cluster.kinds import SERVICE
from fairing_kfp.cluster.objects import find
from fairing_kfp.pipeline.builtin_steps import serving_spec_of
from fairing_kfp.serving.backend import backend
from fairing_kfp.serving.pod import ServingPod
from fairing_kfp.serving.spec import SERVE_COMMAND, ServingSpec
from tests.support.train_runs import kubeconfig

ROUNDS = 3
SIZES = {"1 MB": 1_000_000, "100 MB": 100_000_000}

_PIPELINE = Path(__file__).parents[1] / "tests" / "pipelines" / "serving.py"
_PATIENCE = 120  # seconds until the first response
_PAUSE = 0.02  # seconds between requests
_NOTE = (
    "A predictor without packages and a model of random bytes, on one node, which has the predictor's image but "
    "pulls the model. Measured from the start of the step's process, with the model on its disk, to the first "
    "response of the new version at the Service's address, which is requested every 20 ms. Docker's image is built "
    "`FROM` the same predictor, with a `COPY` of the model; kubectl applies the same Deployment and Service, and "
    "waits with `kubectl rollout status`. A step that replaces a version ends once pods of the previous version get "
    "no more requests, so that only the new version answers the next step of a pipeline; `kubectl rollout status` "
    "does not wait for that. The time a framework takes to load comes on top of both. Docker {docker}."
)


def measure() -> list[Table]:
    """Compares the first version and one that replaces it, with a small and a large model."""
    with workplace() as work, _namespace() as namespace, silence(), warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Unverified HTTPS")  # where a kubeconfig says so
        place = _place(work, namespace)
        runs = take_turns(ROUNDS, {"ours": partial(_serves, place, _ours), "docker": partial(_serves, place, _theirs)})
    rows = [
        runs.row(f"{what}, {size}", "ours", "docker", f"{size} {stage}")
        for size in SIZES
        for what, stage in (
            ("the first version answers", "new"),
            ("a new version answers", "replacing"),
            ("the step, or kubectl, has ended", "end"),
        )
    ]
    note = _NOTE.format(docker=docker("version", "--format", "{{.Server.Version}}"))
    return [Table("our step", "`docker build && docker push && kubectl apply`", tuple(rows), note)]


@dataclass(frozen=True)
class _Place:
    """A namespace in which both serve.

    Attributes:
        work: the workplace with the registry.
        namespace: the namespace.
        spec: spec of the compiled serve step.
        config: kubeconfig with that namespace.
        cluster: client of the cluster.
        factors: factors of the models, each different.
    """

    work: Workplace
    namespace: str
    spec: ServingSpec
    config: Path
    cluster: Cluster
    factors: Iterator[int] = field(default_factory=partial(count, 2))


def _place(work: Workplace, namespace: str) -> _Place:
    compiled = fairing_kfp.compile(
        fairing_kfp.load_pipeline(f"{_PIPELINE}:sums"),
        registry=f"{work.registry.host}/bench",
        base_image=work.base,
        cache=Cache(work.folder / "cache"),
        lock=str(work.folder / "fairing.lock"),
    )
    executors = next(yaml.safe_load_all(compiled.text))["deploymentSpec"]["executors"].values()
    (spec,) = [spec for spec in (serving_spec_of(one["container"]) for one in executors) if spec]
    access = replace(from_kubeconfig(), namespace=namespace)
    # Service names do not resolve outside pods, so the sample request is sent by the benchmark.
    return _Place(
        work,
        namespace,
        replace(spec, sample=None),
        kubeconfig(access, work.folder / "kubeconfig"),
        Cluster(lambda: access),
    )


def _serves(place: _Place, publish: Any) -> Stages:
    """Serves a first version of each size, and replaces it."""
    stages: dict[str, Cost] = {}
    for size, number in SIZES.items():
        spec = replace(place.spec, name=place.work.fresh("sums"))
        try:
            stages[f"{size} new"], _ = _version(place, publish, spec, number)
            stages[f"{size} replacing"], stages[f"{size} end"] = _version(place, publish, spec, number)
        finally:
            _delete(place, spec.name)
    return stages


def _version(place: _Place, publish: Any, spec: ServingSpec, size: int) -> tuple[Cost, Cost]:
    """The cost until a new version answers, and until the step or kubectl has ended."""
    factor = float(next(place.factors))
    folder = place.work.folder / place.work.fresh("context")
    model = folder / "model"
    model.mkdir(parents=True)
    (model / "factor.json").write_text(json.dumps({"factor": factor}))
    (model / "weights").write_bytes(os.urandom(size))
    began, over = time.perf_counter(), threading.Event()
    with ThreadPoolExecutor(1) as pool:
        answered = pool.submit(_answered, place, spec.name, 3 * factor, over)
        try:
            publish(place, spec, model)
        except BaseException:
            over.set()
            raise
        ended = time.perf_counter()
        first = answered.result()
    shutil.rmtree(folder)
    return Cost(first - began), Cost(max(first, ended) - began)


def _ours(place: _Place, spec: ServingSpec, model: Path) -> None:
    """Runs the program of a serve step, as KFP's launcher does."""
    given = {"inputs": {"artifacts": {"model": {"artifacts": [{"uri": str(model)}]}}}}
    command = [sys.executable, *SERVE_COMMAND[1:], "--executor_input", json.dumps(given), "--order", spec.text()]
    run_program(*command, KUBECONFIG=str(place.config))


def _theirs(place: _Place, spec: ServingSpec, model: Path) -> None:
    image = f"{place.work.registry.host}/{place.work.fresh('docker')}:1"
    lines = (f"FROM {spec.image}", "COPY model /mnt/models", "ENV FAIRING_MODEL_PATH=/mnt/models")
    (model.parent / "Dockerfile").write_text("\n".join(lines))
    docker("build", "-q", "--network", "host", "-t", image, str(model.parent))
    docker("push", "-q", image)
    items = backend(spec.target).manifests(ServingPod(spec, image, (model / "weights").stat().st_size), None)
    _kubectl(
        "apply",
        "-n",
        place.namespace,
        "-f",
        "-",
        given=json.dumps({"apiVersion": "v1", "kind": "List", "items": items}),
    )
    _kubectl("-n", place.namespace, "rollout", "status", f"deployment/{spec.name}", f"--timeout={_PATIENCE}s")
    docker("rmi", "-f", image)


def _answered(place: _Place, name: str, wanted: float, over: threading.Event) -> float:
    """The time at which the Service first answers with a prediction."""
    address, until = "", time.perf_counter() + _PATIENCE
    while time.perf_counter() < until and not over.wait(_PAUSE):
        try:
            if not address:
                service = find(place.cluster, SERVICE, name, place.namespace)
                address = service["spec"]["clusterIP"] if service else ""
            elif _predicts(address, name) == wanted:
                return time.perf_counter()
        except (OSError, ValueError):  # not yet
            continue
    raise RuntimeError(f"{name} does not answer {wanted} within {_PATIENCE} seconds")


def _predicts(address: str, name: str) -> float:
    url = f"http://{address}/v1/models/{name}:predict"
    with urllib.request.urlopen(url, b'{"instances": [[1, 2]]}', timeout=5) as answer:
        return float(json.load(answer)["predictions"][0])


def _delete(place: _Place, name: str) -> None:
    """Deletes a served model immediately, so that its shutdown does not disturb the next measurement."""
    there = ("-n", place.namespace, "delete")
    _kubectl(*there, f"deployment/{name}", f"service/{name}", "--ignore-not-found", "--wait=false")
    _kubectl(*there, "pods", "-l", f"fairing-kfp/serves={name}", "--grace-period=0", "--force")


@contextlib.contextmanager
def _namespace() -> Iterator[str]:
    """Creates a namespace.

    Raises:
        MissingError: there is no cluster.
    """
    name = f"fairing-bench-{uuid.uuid4().hex[:8]}"
    try:
        _kubectl("create", "namespace", name)
    except RuntimeError as error:
        raise MissingError(f"no Kubernetes cluster answers: {error}") from error
    try:
        yield name
    finally:
        _kubectl("delete", "namespace", name, "--wait=false")


def _kubectl(*arguments: str, given: str = "") -> None:
    """Runs kubectl.

    Raises:
        MissingError: kubectl is missing.
        RuntimeError: kubectl fails.
    """
    try:
        done = subprocess.run(
            ["kubectl", *arguments], input=given, capture_output=True, text=True, check=False, timeout=300
        )
    except FileNotFoundError:
        raise MissingError("kubectl is not on PATH") from None
    if done.returncode:
        raise RuntimeError(f"kubectl {' '.join(arguments)}: {done.stderr.strip()}")
