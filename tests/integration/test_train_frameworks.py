"""Nodes that find each other, as jobs of every kind on a real Kubernetes."""

from __future__ import annotations

import base64
import json
import re
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import fairing_kfp
from fairing_kfp.cache.store import Cache
from fairing_kfp.cluster.client import Cluster
from fairing_kfp.cluster.kinds import find_kind
from fairing_kfp.errors import DependencyError, NotInstalledError
from fairing_kfp.train.kinds.kind import training_kind
from tests.support.administrator import create
from tests.support.paths import TESTS
from tests.support.services import missing
from tests.support.train_pods import step_pod
from tests.support.train_runs import ThreadRun
from tests.support.train_steps import Step, made_by, steps_of

pytestmark = [pytest.mark.kubernetes, pytest.mark.registry, pytest.mark.filterwarnings("ignore:Unverified HTTPS")]
LIBRARY = Path("/usr/lib/x86_64-linux-gnu/libgomp.so.1")
Compile = Callable[[str], Mapping[str, Step]]


@pytest.fixture(scope="module")
def cluster(admin: Cluster, namespace: str) -> Cluster:
    return Cluster(lambda: replace(admin.config, namespace=namespace), retry_timeout=20)


@pytest.fixture(scope="module")
def compiled(
    publishing: dict[str, Any], shared_cache: Cache, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Compile]:
    """Compiles a pipeline of tests/pipelines/frameworks.py, and returns its training steps."""
    folder = tmp_path_factory.mktemp("frameworks")
    project = f"frameworks-{uuid.uuid4().hex[:8]}"

    def make(name: str) -> Mapping[str, Step]:
        try:
            made = fairing_kfp.compile(
                fairing_kfp.load_pipeline(f"{TESTS}/pipelines/frameworks.py:{name}"),
                project=project,
                cache=shared_cache,
                lock=str(folder / f"{name}.lock"),
                **publishing,
            )
        except DependencyError as error:
            missing(f"packages cannot be resolved: {error}")
            raise
        return steps_of(made.text)

    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(TESTS / "stand_ins"))
        yield make


def ran(step: Step, cluster: Cluster, folder: Path, **parameters: Any) -> tuple[dict[str, Any], list[str]]:
    """Runs a step on this machine as an administrator, and returns its outputs and log lines."""
    found = training_kind(step.spec.kind)
    try:
        find_kind(cluster, found.api_version, found.kind)
    except NotInstalledError as error:
        missing(error.message)
    outputs = folder / "out"
    given = step.executor_input(str(outputs), parameters, scratch=str(outputs))
    done = ThreadRun(step, given, cluster, create(cluster.namespace, step_pod()))
    assert done.end() == 0, done.log
    return made_by(given), done.lines


@pytest.mark.parametrize(
    ("name", "nodes", "processes"),
    [("trainjob", 2, 2), pytest.param("pytorchjob", 2, 1, marks=pytest.mark.exhaustive)],
)
def test_processes_of_torch_meet(
    compiled: Compile, cluster: Cluster, tmp_path: Path, name: str, nodes: int, processes: int
) -> None:
    steps = {step.spec.kind: step for step in compiled("met").values()}

    made, lines = ran(steps[name], cluster, tmp_path)

    found = [re.fullmatch(r"\[(\d)\] process (\d) (\d) (\d) (\S+)", line) for line in lines]
    processes_seen = sorted(match.groups() for match in found if match)
    first = processes_seen[0][-1]
    world = str(nodes * processes)
    assert processes_seen == [
        (str(node), str(node * processes + local), str(local), world, first)
        for node in range(nodes)
        for local in range(processes)
    ]
    assert re.fullmatch(r"[\d.]+|[\da-f:]+", first)  # an IP address, and not the name of a Service
    assert made["parameters"]["Output"] == f"0 0 {world} {first}"
    assert made["paths"]["model"].read_text() == f"0 0 {world} {first}"


def test_tensorflow_and_jax_are_told_by_variables(compiled: Compile, cluster: Cluster, tmp_path: Path) -> None:
    for kind, step in {step.spec.kind: step for step in compiled("told").values()}.items():
        folder = tmp_path / kind
        folder.mkdir()
        name = "TF_CONFIG" if kind == "tfjob" else "JAX_COORDINATOR_ADDRESS"

        made, lines = ran(step, cluster, folder, name=name)

        said = dict(match.groups() for line in lines if (match := re.fullmatch(r"\[\d\] node (\d) of 2: (.*)", line)))
        assert set(said) == {"0", "1"}
        assert made["parameters"]["Output"] == said["0"]
        if kind == "tfjob":
            configs = [json.loads(said[rank]) for rank in ("0", "1")]
            assert [config["task"] for config in configs] == [{"type": "worker", "index": rank} for rank in (0, 1)]
            assert configs[0]["cluster"] == configs[1]["cluster"]
            assert len(set(configs[0]["cluster"]["worker"])) == 2
        else:
            assert said["0"] == said["1"]


@pytest.fixture(scope="module")
def gomp(namespace: str) -> None:
    """The library that LightGBM's wheel expects in its image."""
    if not LIBRARY.exists():
        missing(f"{LIBRARY}, which LightGBM needs, is not here")
    library = {LIBRARY.name: base64.b64encode(LIBRARY.read_bytes()).decode()}
    create(namespace, {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "gomp"}, "binaryData": library})


@pytest.mark.parametrize("nodes", [2, pytest.param(1, marks=pytest.mark.exhaustive)])
def test_lightgbm_learns_on_two_nodes_as_on_one(
    compiled: Compile, cluster: Cluster, gomp: None, tmp_path: Path, nodes: int
) -> None:
    (step,) = [step for step in compiled("boosted").values() if step.spec.nodes == nodes]

    made, lines = ran(step, cluster, tmp_path, rows=2000)

    assert made["parameters"]["Output"] < 0.1
    trees = [line.partition("trees ")[2].split() for line in lines if "trees " in line]
    assert len(trees) == nodes
    assert len({digest for digest, *_ in trees}) == 1  # all nodes have the same model
    assert [int(rows) for *_, rows in trees] == [2000 // nodes] * nodes
