"""`run_notebook` and `check_notebook`: what runs, what is kept, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from fairing_kfp.components.step import run_step
from fairing_kfp.components.steps import run_notebook
from fairing_kfp.components.steps.check_notebook import CHECK_NOTEBOOK
from fairing_kfp.errors import ComponentError, ConfigError, FairingError, JobFailedError, PackError, SecretError
from fairing_kfp.train.any_image.launch import launch_command
from fairing_kfp.train.spec import JobSpec
from tests.support.notebook_files import write

_IMAGE = "registry.example.com/me/jupyter:1"
_PARAMETERS = "depth = 8\nrate: float = 0.5\npath: str = None\nquiet = True"


class Jobs:
    """A stand-in for `train`, whose jobs write given files."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.seen: list[tuple[JobSpec, dict[str, Any]]] = []
        self.writes = {"report": "<h1>growth</h1>", "executed": "{}", "status": ""}
        self.program: dict[str, bytes] = {}
        monkeypatch.setattr(run_notebook, "train", self.train)
        monkeypatch.setattr(run_notebook, "Cluster", lambda: None)

    def train(self, spec: JobSpec, given: dict[str, Any], cluster: None, **logs: Any) -> None:
        self.seen.append((spec, given))
        program = Path(given["inputs"]["artifacts"]["program"]["artifacts"][0]["uri"])
        self.program = {
            path.relative_to(program).as_posix(): path.read_bytes() for path in program.rglob("*") if path.is_file()
        }
        for name, text in self.writes.items():
            path = Path(given["outputs"]["artifacts"][name]["artifacts"][0]["uri"])
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)


@pytest.fixture
def jobs(monkeypatch: pytest.MonkeyPatch) -> Jobs:
    return Jobs(monkeypatch)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    folder = tmp_path / "source"
    (folder / "deep").mkdir(parents=True)
    write(folder / "deep" / "growth.ipynb", (_PARAMETERS, ["parameters"]), "print(depth)")
    (folder / "deep" / "helper.py").write_text("def double(n):\n    return 2 * n\n")
    (folder / "deep" / "notes.md").write_text("# Notes\n")
    return folder


def _run(root: Path, source: Path, **values: Any) -> dict[str, Any]:
    given = {
        "inputs": {
            "parameterValues": {"notebook": "deep/growth.ipynb", "image": _IMAGE, **values},
            "artifacts": {"source": {"artifacts": [{"uri": str(source)}]}},
        },
        "outputs": {
            "artifacts": {name: {"artifacts": [{"uri": str(root / name)}]} for name in ("executed", "model", "report")},
            "parameters": {"status": {"outputFile": str(root / "parameters" / "status")}},
            "outputFile": str(root / "output.json"),
        },
    }
    run_step(run_notebook.RUN_NOTEBOOK, given, print)
    return dict(json.loads((root / "output.json").read_text()))


def test_the_notebook_runs_in_the_image_with_its_files(jobs: Jobs, source: Path, tmp_path: Path) -> None:
    jobs.writes["model"] = "weights"
    parameters = {"depth": 3.0, "rate": "1", "path": "{model}", "quiet": False}
    listed = _run(
        tmp_path / "out",
        source,
        parameters=parameters,
        exclude=["**/*.md"],
        memory="4Gi",
        deadline=60,
        env={"A": 1},
        fairing_task_config={"env": []},
    )

    ((spec, given),) = jobs.seen
    assert (spec.kind, spec.image, spec.nodes, spec.deadline) == ("job", _IMAGE, 1, 60)
    (container,) = spec.pod["containers"]
    assert container["command"] == launch_command("--node")
    assert container["resources"]["requests"] == {"memory": "4Gi"}
    assert given["inputs"]["parameterValues"] == {
        "command": [
            *("python3", "-u", "{program}/code/run.py", "--report={report}", "--notebook={executed}"),
            *("--status={status}", "--depth=3", "--rate=1.0", "--path={model}", "--quiet=false"),
        ],
        "env": {"A": "1"},
        "fairing_task_config": {"env": []},
    }
    assert set(given["inputs"]["artifacts"]) == {"program"}
    assert {"code/run.py", "code/notebook.ipynb", "code/files/helper.py"} <= set(jobs.program)
    assert "code/files/notes.md" not in jobs.program
    assert listed["parameterValues"] == {"status": ""}
    assert (tmp_path / "out" / "report").read_text() == "<h1>growth</h1>"
    assert not (tmp_path / "out" / "status.txt").exists()


def test_a_notebook_that_fails_keeps_its_artifacts_and_fails_the_check(
    jobs: Jobs, source: Path, tmp_path: Path
) -> None:
    jobs.writes["status"] = failure = "cell 2: ZeroDivisionError: division by zero"
    listed = _run(tmp_path / "out", source, parameters={"path": "{model}"})

    assert listed["parameterValues"] == {"status": failure}
    assert (tmp_path / "out" / "parameters" / "status").read_text() == failure
    assert (tmp_path / "out" / "executed").exists()
    given = {"inputs": {"parameterValues": {"status": failure}}, "outputs": {}}
    with pytest.raises(JobFailedError, match=f"the notebook failed: {failure}"):
        run_step(CHECK_NOTEBOOK, given, print)
    run_step(CHECK_NOTEBOOK, {"inputs": {"parameterValues": {"status": ""}}, "outputs": {}}, print)


@pytest.mark.parametrize(
    ("values", "error", "message"),
    [
        ({"notebook": "absent.ipynb"}, ComponentError, r"there is no notebook absent\.ipynb"),
        ({"notebook": "growth.py"}, ConfigError, "is not the path of a notebook"),
        ({"text": "{}"}, ConfigError, "exactly one source"),
        ({"image": "A B"}, FairingError, "run-notebook: the input image: .* is malformed"),
        ({"parameters": {"dept": 3}}, ConfigError, "no parameter 'dept'\n.*depth, rate, path, quiet"),
        ({"parameters": {"depth": "deep"}}, ConfigError, "the parameter depth is 'deep', not of type int"),
        ({"parameters": {"path": 3}}, ConfigError, "the parameter path is 3, not of type str"),
        ({"parameters": {"path": "{dataset}"}}, ConfigError, "reads {dataset}, but the task has no dataset"),
        ({"parameters": {"path": "{model}"}}, JobFailedError, "nothing was written to {model}"),
    ],
)
def test_wrong_inputs_are_refused(
    jobs: Jobs, source: Path, tmp_path: Path, values: dict[str, Any], error: type[FairingError], message: str
) -> None:
    with pytest.raises(error, match=message):
        _run(tmp_path / "out", source, **values)

    assert bool(jobs.seen) == (error is JobFailedError)
    assert not (tmp_path / "out" / "output.json").exists()


def test_broken_notebooks_and_credentials_are_refused(jobs: Jobs, source: Path, tmp_path: Path) -> None:
    path = source / "deep" / "growth.ipynb"
    path.write_text("[]")
    with pytest.raises(PackError, match="is not a notebook"):
        _run(tmp_path / "out", source)
    write(path, f'token = "ghp_{"aB3" * 13}"')
    with pytest.raises(SecretError, match=r"cell 1 of growth\.ipynb contains"):
        _run(tmp_path / "out", source)

    assert not jobs.seen


def test_without_an_image_the_step_needs_papermill(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)

    with pytest.raises(ConfigError, match="the image of this step has no papermill"):
        _run(tmp_path / "out", source, image="")
