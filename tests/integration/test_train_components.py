"""Reusable components that train: a command of an image that append_image built, as a job of each kind."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from fairing_kfp.cluster.connect import ClusterConfig
from fairing_kfp.cluster.owner import RUN
from fairing_kfp.train.kinds.kind import training_kind
from tests.support.administrator import create, kind_named, listed
from tests.support.component_steps import Ended, run_component
from tests.support.notebook_files import write
from tests.support.train_pods import step_pod
from tests.support.train_runs import kubeconfig
from tests.support.trains import chosen, kinds

pytestmark = [
    pytest.mark.kubernetes,
    pytest.mark.registry,
    pytest.mark.filterwarnings("ignore:Unverified HTTPS"),
]

_TRAIN = """
import argparse, json, os, pathlib, sys
from fairing_kfp import distributed
from helper import double

parser = argparse.ArgumentParser()
for name in ("--data", "--model", "--metrics", "--depth"):
    parser.add_argument(name, required=True)
given = parser.parse_args()
print("node", distributed.rank(), "of", distributed.nodes(), os.environ["SHAPE"], os.environ["COLOUR"], os.getuid())
if given.depth == "0":
    sys.exit("the depth is 0")
if distributed.rank() == 0:
    model = pathlib.Path(given.model)
    (model / "deep").mkdir(parents=True)
    (model / "deep" / "tree").write_text(pathlib.Path(given.data, "part", "rows").read_text() + given.depth)
    (model / "peers").write_text(" ".join(distributed.peers()))
    (model / "same").write_text(str(os.environ["MODEL"] == given.model))
    pathlib.Path(given.metrics).write_text(json.dumps({"accuracy": double(0.25)}))
"""
_ARGUMENTS = ["--data", "{dataset}", "--model", "{model}", "--metrics", "{metrics}", "--depth"]


@pytest.fixture(scope="module")
def image(base_image: str, testbed_registry: str, tmp_path_factory: pytest.TempPathFactory) -> str:
    """An image of a script, made by components."""
    folder = tmp_path_factory.mktemp("image")
    source = folder / "source"
    source.mkdir()
    (source / "train.py").write_text(_TRAIN)
    (source / "helper.py").write_text("def double(n):\n    return 2 * n\n")
    packed = run_component(
        "preprocessing/preprocess_script", folder / "packed", {"script": "train.py"}, {"source": str(source)}
    )
    assert packed.code == 0, packed.log
    given = {
        "base_image": base_image,
        "repository": f"{testbed_registry}/tests/train-{uuid.uuid4().hex[:8]}",
        "insecure": [testbed_registry],
    }
    built = run_component("building/append_image", folder / "built", given, {"bundle": str(packed.artifact("bundle"))})
    assert built.code == 0, built.log
    return built.parameter("image")


@pytest.fixture(scope="module")
def runs(
    request: pytest.FixtureRequest,
    image: str,
    notebook_image: str,
    namespace: str,
    train_kinds: tuple[str, ...],
    train_account: tuple[str, ClusterConfig],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[dict[str, Future[Ended]]]:
    """Runs of kinds of jobs, one that fails, and notebooks of which one fails, at the same time."""
    folder = tmp_path_factory.mktemp("runs")
    config = kubeconfig(train_account[1], folder / "config")
    rows = folder / "data" / "part" / "rows"
    rows.parent.mkdir(parents=True)
    rows.write_text("rows ")
    task = {"env": [{"name": "SHAPE", "value": "round"}], "resources": {"requests": {"ephemeral-storage": "1Mi"}}}

    def run(name: str, kind: str, depth: int, **more: Any) -> Ended:
        pod = create(namespace, step_pod(run=name))
        parameters = {
            "image": image,
            "command": ["python3", "train.py"],
            "arguments": [*_ARGUMENTS, depth],
            "env": {"COLOUR": "red", "MODEL": "{model}"},
            "nodes": 2,
            "framework": "",
            "cpu": "50m",
            "memory": "64Mi",
            "run_as_user": 1000,
            "logs": "all",
            "fairing_task_config": task,
            **more,
        }
        env = {"KFP_POD_NAME": pod["metadata"]["name"], "KFP_POD_UID": pod["metadata"]["uid"]}
        inputs = {"dataset": str(folder / "data")}
        return run_component(f"training/train_{kind}", folder / name, parameters, inputs, KUBECONFIG=str(config), **env)

    def run_notebook(name: str, depth: int, **more: Any) -> Ended:
        cells = (
            ("depth = 8\npath = ''", ["parameters"]),
            "import helper\nopen(path, 'w').write('weights')",
            "1 / depth",
        )
        source = folder / f"{name}-source"
        source.mkdir()
        write(source / "growth.ipynb", *cells)
        (source / "helper.py").write_text(f"print('depth', {depth})\n")
        parameters = {"notebook": "growth.ipynb", "parameters": {"depth": depth, "path": "{model}"}, **more}
        inputs = {"source": str(source)}
        return run_component("training/run_notebook", folder / name, parameters, inputs, KUBECONFIG=str(config))

    with ThreadPoolExecutor(7) as pool:
        env = {"PYTHONPATH": "/opt/fairing/dependencies"}
        yield {
            "in an image": pool.submit(run_notebook, "in an image", 0, image=notebook_image, env=env),
            "in the step": pool.submit(run_notebook, "in the step", 8),
            **{kind: pool.submit(run, kind, kind, 8) for kind in chosen(request, "kind") if kind in train_kinds},
            "failing": pool.submit(run, "failing", "job", 0),
        }


@pytest.mark.parametrize("kind", kinds("pytorchjob"), indirect=True)
def test_a_command_trains_on_two_nodes(kind: str, runs: dict[str, Future[Ended]], namespace: str) -> None:
    ended = runs[kind].result()

    assert ended.code == 0, ended.log
    model = ended.artifact("model")
    assert (model / "deep" / "tree").read_text() == "rows 8"
    assert len(set((model / "peers").read_text().split())) == 2
    assert (model / "same").read_text() == "True"
    assert {f"[{rank}] node {rank} of 2 round red 1000" for rank in (0, 1)} <= set(ended.log.splitlines())
    assert ended.listed["artifacts"]["metrics"]["artifacts"][0]["metadata"] == {"accuracy": 0.5}
    report = ended.artifact("report").read_text()
    assert "<h1>" in report
    assert " of 2 nodes succeeded in " in report
    assert "<td>accuracy</td><td>0.5</td>" in report
    found = training_kind(kind)
    assert listed(namespace, kind_named(found.api_version, found.kind), f"{RUN}={kind}") == []


def test_a_command_that_fails_fails_the_step_with_its_cause(runs: dict[str, Future[Ended]]) -> None:
    ended = runs["failing"].result()

    assert ended.code == 1
    assert "fairing-kfp: Job of 2 nodes of train-job failed: " in ended.log
    assert "exit code 1" in ended.log
    assert "the depth is 0" in ended.log
    assert "→" in ended.log
    assert "Traceback" not in ended.log
    assert not ended.artifact("report").exists()


def test_a_notebook_runs_in_the_step(runs: dict[str, Future[Ended]]) -> None:
    ended = runs["in the step"].result()

    assert ended.code == 0, ended.log
    assert ended.parameter("status") == ""
    assert "All cells ran." in ended.artifact("report").read_text()
    assert ended.artifact("model").read_text() == "weights"
    assert "depth 8" in ended.log


def test_a_notebook_that_fails_in_an_image_is_kept_and_fails_the_check(
    runs: dict[str, Future[Ended]], tmp_path: Path
) -> None:
    ended = runs["in an image"].result()
    failure = "cell 3: ZeroDivisionError: division by zero (line 1: 1 / depth)"

    assert ended.code == 0, ended.log
    assert ended.parameter("status") == failure
    assert failure in ended.artifact("report").read_text()
    cells = json.loads(ended.artifact("executed").read_text())["cells"]
    assert "depth 0\n" in [text for cell in cells for one in cell.get("outputs", ()) for text in one.get("text", ())]
    assert ended.artifact("model").read_text() == "weights"
    check = run_component("training/check_notebook", tmp_path / "check", {"status": failure})
    assert check.code == 1
    assert check.log.startswith(f"fairing-kfp: the notebook failed: {failure}\n  → ")
