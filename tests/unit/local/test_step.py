"""Steps: their folders, outputs, failures and reuse. A short program stands for the image."""

from __future__ import annotations

import itertools
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from fairing_kfp.cache.store import Cache
from fairing_kfp.display.event import Event
from fairing_kfp.errors import PipelineError
from fairing_kfp.local.importer import imported
from fairing_kfp.local.launch import Launch
from fairing_kfp.local.step import StepRunner
from fairing_kfp.local.task import Task, Values
from fairing_kfp.local.volumes import Volumes
from fairing_kfp.pipeline.specification import Specification

PROGRAM = """
import json, pathlib, sys
given = json.loads(sys.argv[1])
outputs = given["outputs"]
print("working")
exec(given["inputs"]["parameterValues"]["code"])
"""
WRITE = """
made = {"made": {"artifacts": [{"uri": outputs["artifacts"]["made"]["artifacts"][0]["uri"], "metadata": {"n": 3.0}}]}}
values = {"Output": 3.0}
pathlib.Path(outputs["outputFile"]).write_text(json.dumps({"parameterValues": values, "artifacts": made}))
"""
MAKE = 'pathlib.Path(made["made"]["artifacts"][0]["uri"]).write_text("made")\n'
COMPONENT: dict[str, Any] = {
    "executorLabel": "exec-train",
    "outputDefinitions": {
        "parameters": {"Output": {"parameterType": "NUMBER_DOUBLE"}},
        "artifacts": {"made": {"artifactType": {"schemaTitle": "system.Model"}}},
    },
}


def task(code: str = WRITE, step: str = "train", component: dict[str, Any] = COMPONENT, **inputs: Any) -> Task:
    return Task(step, component, Values({"code": code}, inputs), True, 1, lambda _: None)


def a_runner(cache: Cache, run: Path, **options: Any) -> tuple[StepRunner, list[Event]]:
    run.mkdir(parents=True)
    events: list[Event] = []
    launch = Launch("train", "subprocess", [sys.executable, "-c", PROGRAM, "{{$}}"], {}, "image@sha256:1")
    launches = {"exec-train": replace(launch, **options)}
    volumes = Volumes(Specification("", {}, []), run / ".volumes", "run")
    executors = {"exec-train": {"container": {"image": "image"}}}
    return StepRunner(executors, launches, volumes, run, cache, True, events.append), events


def test_a_step_has_its_folder_and_gives_its_outputs(cache: Cache, tmp_path: Path) -> None:
    runner, events = a_runner(cache, tmp_path / "run")
    outputs = runner(task(WRITE))

    assert outputs
    assert repr(outputs.parameters) == "{'Output': 3}"
    assert [event.kind for event in events] == ["start", "log", "log", "succeed"]
    assert "the output made was not written" in events[2].text
    assert events[-1].artifacts == {"made": str(tmp_path / "run" / "train" / "made")}
    assert repr(events[-1].metrics) == "{'made': {'n': 3}}"
    assert Path(events[-1].log).read_text() == "working\n"


@pytest.mark.parametrize(
    ("code", "problem"),
    [
        ("sys.exit(3)", "exit code 3"),
        ("", "without its outputs"),
        ('pathlib.Path(outputs["outputFile"]).write_text("{}")', "the output Output of train was not written"),
    ],
)
def test_failures(cache: Cache, tmp_path: Path, code: str, problem: str) -> None:
    runner, events = a_runner(cache, tmp_path / "run")

    assert runner(task(code)) is None
    assert events[-1].kind == "fail"
    assert problem in events[-1].text


def test_outputs_in_files_of_their_own(cache: Cache, tmp_path: Path) -> None:
    definitions = {"count": {"parameterType": "NUMBER_INTEGER"}, "names": {"parameterType": "LIST"}}
    component = {"executorLabel": "exec-train", "outputDefinitions": {"parameters": definitions}}
    write = 'pathlib.Path(outputs["parameters"]["{}"]["outputFile"]).write_text({!r})\n'
    runner, events = a_runner(cache, tmp_path / "run", has_executor=False)
    outputs = runner(task(write.format("count", "7\n") + write.format("names", '["a", 1.0]'), component=component))

    assert outputs
    assert repr(outputs.parameters) == repr({"count": 7, "names": ["a", 1]})
    assert events[-1].outputs == outputs.parameters
    wrong = runner(task(write.format("count", "7.5") + write.format("names", "[]"), "other", component))
    assert wrong is None
    assert "contains '7.5', which is not of the type NUMBER_INTEGER" in events[-1].text


def test_unchanged_steps_of_earlier_runs_are_reused(cache: Cache, tmp_path: Path) -> None:
    def states(name: str, *tasks: Task) -> list[str]:
        runner, events = a_runner(cache, tmp_path / name)
        for one in tasks:
            assert runner(one)
        return [event.kind for event in events if event.kind in ("succeed", "reuse")]

    made = WRITE + MAKE
    assert states("1", task(made), task(made, "train-2")) == ["succeed", "succeed"]  # both of one run
    assert states("2", task(made), task(made, "renamed"), task(f"{made}#")) == ["reuse", "reuse", "succeed"]
    assert states("3", replace(task(made), cached=False)) == ["succeed"]
    for path in tmp_path.glob("*/*/made"):
        path.unlink()
    assert states("4", task(made)) == ["succeed"]


def test_a_changed_imported_file_runs_the_step_again(cache: Cache, tmp_path: Path) -> None:
    data = tmp_path / "data.csv"
    data.write_text("1")
    importer = {"artifactUri": {"runtimeParameter": "uri"}, "metadata": {"n": 1.0}, "typeSchema": {}}
    given = Values({"uri": str(data)})

    numbers = itertools.count()

    def state() -> str:
        runner, events = a_runner(cache, tmp_path / str(next(numbers)))
        artifacts = imported(importer, replace(task(), inputs=given)).artifacts["artifact"]
        assert runner(
            task(f'assert set(given["inputs"]["artifacts"]["x"]["artifacts"][0]) >= {{"uri"}}\n{WRITE}', x=artifacts)
        )
        return events[-1].kind

    assert [state(), state()] == ["succeed", "reuse"]
    data.write_text("2")
    assert state() == "succeed"
    data.unlink()
    with pytest.raises(PipelineError, match=r"train imports .*data\.csv, which does not exist"):
        state()


def test_failed_attempts_are_repeated(cache: Cache, tmp_path: Path) -> None:
    marker = tmp_path / "marker"
    fails_once = f"m = pathlib.Path({str(marker)!r})\nif not m.exists(): m.touch(); sys.exit(4)\n{WRITE}"
    runner, events = a_runner(cache, tmp_path / "run")
    outputs = runner(replace(task(fails_once), attempts=3))

    assert outputs
    assert [event.kind for event in events if event.kind != "log"] == ["start", "succeed"]
    assert any("attempt 1 of 3 failed: exit code 4" in event.text for event in events)


def test_volumes_are_folders_of_the_run(tmp_path: Path) -> None:
    mount = {"mountPath": "/data", "pvcNameParameter": {"taskOutputParameter": {}}}
    platform = {"platforms": {"kubernetes": {"deploymentSpec": {"executors": {"exec-train": {"pvcMount": [mount]}}}}}}
    volumes = Volumes(Specification("", {}, [platform]), tmp_path, "run")
    create, delete = ({"container": {"image": f"argostub/{kind}pvc"}} for kind in ("create", "delete"))

    assert volumes.handles(create)
    assert volumes.handles(delete)
    made = volumes.act(create, replace(task(), inputs=Values({"pvc_name_suffix": "-disk"})))
    assert made == Values({"name": "run-disk"})
    assert volumes.mounts("exec-train", replace(task(), scope=lambda _: "run-disk")) == {
        str(tmp_path / "run-disk"): "/data"
    }
    volumes.act(delete, replace(task(), inputs=Values({"pvc_name": "run-disk"})))
    assert not (tmp_path / "run-disk").exists()
