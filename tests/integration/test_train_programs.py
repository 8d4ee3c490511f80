"""Scripts and notebooks as jobs: what they give out, above all when a notebook fails."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import fairing_kfp
from fairing_kfp.cache.store import Cache
from fairing_kfp.errors import DependencyError
from tests.support.administrator import log_of
from tests.support.paths import TESTS
from tests.support.services import missing
from tests.support.train_steps import made_by, steps_of
from tests.support.trains import Bench
from tests.support.yaml_documents import documents

pytestmark = [pytest.mark.kubernetes, pytest.mark.registry, pytest.mark.filterwarnings("ignore:Unverified HTTPS")]


@pytest.fixture(scope="module")
def text(publishing: dict[str, Any], shared_cache: Cache, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The compiled pipeline."""
    folder = tmp_path_factory.mktemp("programs")
    try:
        return fairing_kfp.compile(
            fairing_kfp.load_pipeline(f"{TESTS}/pipelines/elsewhere_programs.py"),
            project=f"programs-{uuid.uuid4().hex[:8]}",
            cache=shared_cache,
            lock=str(folder / "fairing.lock"),
            **publishing,
        ).text
    except DependencyError as error:
        missing(f"packages cannot be resolved: {error}")
        raise


@pytest.fixture
def programs(bench: Bench, text: str) -> Bench:
    return replace(bench, steps=steps_of(text))


def test_script_gives_its_outputs(programs: Bench, tmp_path: Path) -> None:
    (tmp_path / "scans").write_text("scans")
    step = programs.steps["script"]
    given = programs.input(step, {}, {"scans": str(tmp_path / "scans")})

    done = programs.start(step, given)

    assert done.end() == 0, done.log
    made = made_by(given)
    assert made["parameters"] == {"accuracy": 0.75}
    assert (made["paths"]["model"] / "weights.txt").read_text() == "0.5"
    assert '{"files": ["cache.txt", "conf", "writes.py"]}' in done.lines


@pytest.mark.parametrize("limit", [1.0, pytest.param(0.0, marks=pytest.mark.exhaustive)])
def test_notebook_gives_its_outputs_and_its_gate_fails_the_run(programs: Bench, text: str, limit: float) -> None:
    step = programs.steps["notebook"]
    given = programs.input(step, {"limit": limit, "skip": 0})

    done = programs.start(step, given)

    # The step ends well either way, so that KFP keeps what the notebook made.
    assert done.end() == 0, done.log
    made = made_by(given)
    assert "</html>" in made["paths"]["report"].read_text()
    assert json.loads(made["paths"]["notebook"].read_text())["cells"]
    status = made["parameters"]["status"]
    if limit:
        assert status == ""
        assert json.loads(made["paths"]["model"].read_text()).keys() == {"slope", "intercept"}
        assert 0 < made["parameters"]["error"] < limit
    else:
        assert "the mean error 0.143 is above 0.0" in status
    code, log = run_gate(programs, text, status)
    assert code == (0 if limit else 1)
    assert ("The notebook notebook succeeded" if limit else f"The notebook notebook failed: {status}") in log
    programs.nothing_left(done)


def run_gate(bench: Bench, text: str, status: str) -> tuple[int, str]:
    """Runs the task that follows a notebook, in its image, which is the notebook's."""
    specification: Mapping[str, Any] = documents(text)[0]
    container = specification["deploymentSpec"]["executors"]["exec-notebook-check"]["container"]
    assert container["image"] == bench.steps["notebook"].spec.image
    given = {"inputs": {"parameterValues": {"status": status}}, "outputs": {"outputFile": "/tmp/out/list.json"}}
    command = [*container["command"], *(one.replace("{{$}}", json.dumps(given)) for one in container["args"])]
    pod = bench.create(
        {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": f"gate-{uuid.uuid4().hex[:8]}"},
            "spec": {
                "restartPolicy": "Never",
                "containers": [{"name": "main", "image": container["image"], "command": command}],
            },
        }
    )
    code = 1 if status else 0
    return code, log_of(pod, code)
