"""Scripts of many kinds as steps: run here, and in the real image on Docker."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

import fairing_kfp
from fairing_kfp.cache.store import Cache
from fairing_kfp.errors import DependencyError, PipelineError, StepFailedError
from fairing_kfp.local.result import RunResult
from tests.golden import PIPELINES, assert_golden
from tests.support.paths import TESTS
from tests.support.services import missing
from tests.support.stand_in_builder import StandInBuilder

_PIPELINE = str(TESTS / "scripts" / "pipeline.py")

PRINTED: dict[str, dict[str, Any]] = {
    "positional": {"scans": "my scans", "classes": [1, 2], "kind": "line", "rate": 0.5, "seed": 3},
    "switches": {"shuffle": True, "cache": False, "progress": False, "warm": False, "verbose": 2, "lambda": 0.5},
    "lists": {
        "tag": ["a", "-b"],
        "sizes": [4],
        "more": [],
        "names": ["c", "d"],
        "nothing": [],
        "files": ["x", "-y"],
    },
    "shared-parsers": {"host": "example.com", "rate": 0.2, "steps": None, "hours": 1.5, "seed": 1},
    "subcommands": {"debug": True, "command": "train", "depth": 4, "scans": "-scans"},
    "known": {"depth": 4, "rest": ["--extra", "-x"]},
    "typed": {
        "folder": "out",
        "settings": {"a": [1, 2.5]},
        "points": [1, 2],
        "strict": False,
        "fair": True,
        "epochs": 3,
        "words": ["b", "c"],
        "offset": -0.5,
        "title": "--title",
        "workers": "int",
        "trees": 100,
    },
    "click-command": {
        "depth": 4,
        "rate": 0.25,
        "shout": False,
        "force": True,
        "tags": ["-a", "b"],
        "size": [4, 2],
        "kind": "line",
        "verbose": 2,
        "scans": "s",
        "rest": ["-r"],
    },
    "click-group": {"seed": 5, "depth": 4},
    "typer-run": {
        "scans": "-s",
        "depth": 8,
        "rate": 0.25,
        "names": ["a", "b"],
        "force": True,
        "limit": -1.5,
        "kind": "line",
    },
    "typer-app": {"scans": "s", "depth": 4, "kind": "line", "cache": False, "seeds": [1, 2], "wait": False},
    "fire-function": {
        "scans": "12",
        "depth": 4,
        "words": ["a", 1],
        "title": "3",
        "settings": {"a": "None", "b": [True]},
        "fast": True,
    },
    "fire-class": {"depth": 4, "epochs": 3, "name": "-n"},
    "by-hand": {"depth": 4, "fast": True, "first": "one", "name": "by_hand.py"},
    "study-train": {"doubled": 8, "package": "study", "inner": "inner", "main": "__main__"},
    "course": {"lessons": ["one", "two"]},
    "reads-files": {
        "relative": "depth = 8",
        "beside": "depth = 8",
        "resolved": "depth = 8",
        "listed": ["lessons.txt", "settings.ini"],
    },
    "imports": {"helpers": "beside the script", "part": "of a folder without __init__.py", "later": "inner"},
    "spawns": {"squares": [1, 4, 9], "where": "beside the script", "other": "2"},
    "writes": {"files": ["cache.txt", "conf", "writes.py"]},
    "reads-artifact": {"weights": "0.5", "accuracy": 0.75},
    "options-of-another": {"depth": 9, "force": True},
    "latin": {"word": "grün", "arguments": []},
    "folders": {"files": ["m.txt"]},
    "click-nested": {"seed": 5, "root": "x", "places": ["a", "-b"]},
    "computed": {"alpha": 2.0, "beta": 1.0, "depth": 8},
}
"""The last line that each script prints, by step."""

IN_IMAGE = {
    *("click-command", "study-train", "course", "reads-files", "imports", "spawns", "writes", "reads-artifact"),
    *("latin", "folders"),
}
"""The steps of the pipeline `in_image`; the others repeat for an image how command lines are read."""

ENDS = {
    "exit": "exit code 7",
    "raise": "ValueError: as it was told",
    "kill": "fails.py was terminated by SIGKILL (signal 9), often because the step ran out of memory",
    "forget": "did not write to the path in its argument --number",
    "scribble": "wrote 'many', which is not of type int, to the path in its argument --number",
    "words": "no more scans",
}


@pytest.fixture(scope="module")
def runs(shared_cache: Cache, tmp_path_factory: pytest.TempPathFactory) -> dict[str, RunResult]:
    """The results of running all scripts, by runner."""
    return {}


def _assert_printed(result: RunResult, step: str) -> None:
    lines = Path(result.step(step).log).read_text().splitlines()
    assert json.loads(lines[-1]) == PRINTED[step]


def _run_all(runs: dict[str, RunResult], name: str, where: str, folder: Path, **options: Any) -> RunResult:
    if where not in runs:
        try:
            pipeline = fairing_kfp.load_pipeline(f"{_PIPELINE}:{name}")
            runs[where] = fairing_kfp.run(pipeline, output=folder, **options)
        except DependencyError as error:
            missing(f"packages cannot be resolved: {error}")
    return runs[where]


@pytest.mark.parametrize("step", PRINTED)
def test_script_runs_here(
    runs: dict[str, RunResult], shared_cache: Cache, tmp_path_factory: pytest.TempPathFactory, step: str
) -> None:
    _assert_printed(_run_all(runs, "scripts", "here", tmp_path_factory.getbasetemp(), cache=shared_cache), step)


@pytest.mark.docker
@pytest.mark.registry
@pytest.mark.parametrize(
    "step", [pytest.param(step, marks=() if step in IN_IMAGE else pytest.mark.exhaustive) for step in PRINTED]
)
def test_script_runs_in_its_image(
    runs: dict[str, RunResult],
    shared_cache: Cache,
    tmp_path_factory: pytest.TempPathFactory,
    docker_options: dict[str, Any],
    pytestconfig: pytest.Config,
    step: str,
) -> None:
    pipeline = "scripts" if pytestconfig.getoption("exhaustive") else "in_image"
    result = _run_all(runs, pipeline, "docker", tmp_path_factory.getbasetemp(), cache=shared_cache, **docker_options)
    _assert_printed(result, step)


def _fail(folder: Path, how: str, **options: Any) -> tuple[str, str]:
    """The exit of the failing step, and its log."""
    events: list[str] = []
    with pytest.raises(StepFailedError) as caught:
        fairing_kfp.run(
            fairing_kfp.load_pipeline(f"{_PIPELINE}:failing"),
            {"how": how},
            output=folder,
            on_event=lambda event: events.append(event.text if event.kind == "fail" else ""),
            **options,
        )
    assert ENDS[how] in f"{events}{caught.value.log}"
    assert "fairing_runtime" not in caught.value.log  # none of our own frames
    assert "kfp" not in caught.value.log.replace("fairing-kfp", "")
    return next(filter(None, events)), caught.value.log


@pytest.mark.parametrize("how", ENDS)
def test_a_script_that_fails_here_fails_the_step_with_its_exit_code(
    shared_cache: Cache, tmp_path: Path, how: str
) -> None:
    code, log = _fail(tmp_path, how, cache=shared_cache)

    assert code == f"exit code {({'exit': 7, 'kill': 137}).get(how, 1)}"
    assert log.startswith("before the end")


def test_a_value_that_the_script_does_not_take_is_refused_before_it_runs(shared_cache: Cache, tmp_path: Path) -> None:
    with pytest.raises(PipelineError, match="'nothing' is not one of 'exit', 'raise'"):
        fairing_kfp.run(
            fairing_kfp.load_pipeline(f"{_PIPELINE}:failing"), {"how": "nothing"}, output=tmp_path, cache=shared_cache
        )
    assert not list(tmp_path.iterdir())


@pytest.mark.docker
@pytest.mark.registry
@pytest.mark.parametrize("how", [pytest.param("exit", marks=pytest.mark.exhaustive), "kill", "forget"])
def test_a_script_that_fails_in_its_image_fails_the_step_with_its_exit_code(
    shared_cache: Cache, tmp_path: Path, docker_options: dict[str, Any], how: str
) -> None:
    code, _ = _fail(tmp_path, how, cache=shared_cache, **docker_options)

    assert code == f"exit code {({'exit': 7, 'kill': 137}).get(how, 1)}"


@pytest.mark.docker
@pytest.mark.registry
@pytest.mark.parametrize(
    "tmp",
    [pytest.param(["--tmpfs", "/tmp"], id="with-tmp", marks=pytest.mark.exhaustive), pytest.param([], id="without")],
)
def test_script_runs_as_anyone_with_a_read_only_root(
    shared_cache: Cache, docker_options: dict[str, Any], tmp: list[str]
) -> None:
    options = {key: value for key, value in docker_options.items() if key not in ("runner", "docker")}
    compiled = fairing_kfp.compile(fairing_kfp.load_pipeline(f"{_PIPELINE}:failing"), cache=shared_cache, **options)
    image = next(iter(compiled.images.values()))
    executor_input = {
        "inputs": {"parameterValues": {"how": "exit"}},
        "outputs": {"outputFile": "/out/output.json", "parameters": {"number": {"outputFile": "/out/number"}}},
    }
    command = ["docker", "run", "--rm", "--network", "host", "--read-only", "--user", "12345:0", "--cap-drop", "ALL"]
    command += ["--tmpfs", "/out:mode=1777", *tmp, image, "python3", "/opt/fairing/runtime/step.py"]
    done = subprocess.run(
        [*command, "--executor_input", json.dumps(executor_input)], capture_output=True, text=True, check=False
    )

    assert done.returncode == 7, done.stderr
    assert done.stdout == "before the end\n"


def test_sample_runs_here(shared_cache: Cache, tmp_path: Path) -> None:
    _assert_line(
        fairing_kfp.run(
            fairing_kfp.load_pipeline(PIPELINES["script"]), {"steps": 1500}, output=tmp_path, cache=shared_cache
        )
    )


def test_sample_compiles_to_its_golden_yaml(shared_cache: Cache) -> None:
    pipeline = fairing_kfp.load_pipeline(PIPELINES["script"])

    assert_golden("script", fairing_kfp.compile(pipeline, builder=StandInBuilder(), cache=shared_cache).text)


@pytest.mark.docker
@pytest.mark.registry
def test_sample_runs_in_its_images(shared_cache: Cache, tmp_path: Path, docker_options: dict[str, Any]) -> None:
    pipeline = fairing_kfp.load_pipeline(PIPELINES["script"])
    _assert_line(fairing_kfp.run(pipeline, {"steps": 1500}, output=tmp_path, cache=shared_cache, **docker_options))


def _assert_line(result: RunResult) -> None:
    assert result.outputs["Output"] < 0.1
    line = json.loads(Path(result.step("train").artifacts["model"]).read_text())
    assert line["slope"] == pytest.approx(2, abs=0.1)
    assert "rises by" in Path(result.step("judge").log).read_text()
