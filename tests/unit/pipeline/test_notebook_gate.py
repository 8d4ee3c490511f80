"""Gates in compiled specifications."""

from pathlib import Path
from typing import Any

import pytest
from kfp import dsl, kubernetes
from nbformat import v4, write

from fairing_kfp import fairing_component
from fairing_kfp.components import run_notebook
from fairing_kfp.components.table import COMPONENTS
from fairing_kfp.pipeline.notebook_gate import add_gates
from fairing_kfp.pipeline.trace import trace


@pytest.fixture
def train(tmp_path: Path) -> Any:
    """A component made of a notebook."""
    cell = v4.new_code_cell("depth = 8", metadata={"tags": ["parameters"]})
    write(v4.new_notebook(cells=[cell]), tmp_path / "train.ipynb")
    return fairing_component.from_notebook(
        tmp_path / "train.ipynb", arguments={"model": dsl.Output[dsl.Model], "score": dsl.OutputPath(float)}
    )


@fairing_component
def use(model: dsl.Input[dsl.Model]) -> str:
    return model.path


@fairing_component
def say(text: str = "") -> str:
    return text


def compiled(pipeline: Any) -> tuple[Any, Any]:
    specification = trace(pipeline).specification
    return specification.document, next(iter(specification.platforms), None)


def tasks_of(specification: Any, component: str = "") -> Any:
    found = specification["components"][component] if component else specification["root"]
    return found["dag"]["tasks"]


def test_tasks_that_depend_on_a_notebook_depend_on_its_gate(train: Any) -> None:
    @dsl.pipeline
    def pipeline() -> None:
        trained = train(depth=3)
        use(model=trained.outputs["model"])
        say(text="apart")

    specification, _ = compiled(pipeline)
    tasks = tasks_of(specification)

    assert tasks["use"]["dependentTasks"] == ["train", "train-check"]
    assert "dependentTasks" not in tasks["say"]
    assert tasks["train-check"] == {
        "cachingOptions": {},
        "componentRef": {"name": "comp-train-check"},
        "dependentTasks": ["train"],
        "inputs": {
            "parameters": {"status": {"taskOutputParameter": {"outputParameterKey": "status", "producerTask": "train"}}}
        },
        "taskInfo": {"name": "train-check"},
    }
    executors = specification["deploymentSpec"]["executors"]
    label = specification["components"]["comp-train-check"]["executorLabel"]
    assert executors[label]["container"]["image"] == executors["exec-train"]["container"]["image"]
    assert executors[label]["container"]["args"] == ["--gate", "--executor_input", "{{$}}"]


def test_a_failed_notebook_is_never_reused_from_the_cache(train: Any) -> None:
    @dsl.pipeline
    def pipeline() -> None:
        train().set_caching_options(True)
        say(text="cached")

    tasks = tasks_of(compiled(pipeline)[0])

    assert tasks["train"]["cachingOptions"] == {}
    assert tasks["say"]["cachingOptions"] == {"enableCache": True}


def test_pipelines_without_notebooks_are_unchanged() -> None:
    @dsl.pipeline
    def pipeline() -> None:
        say(text="a")

    specification = trace(pipeline).specification
    before = specification.text()
    add_gates(specification, [])

    assert specification.text() == before
    assert "check" not in before


def test_loops_conditions_and_pipelines_have_gates_inside(train: Any) -> None:
    @dsl.pipeline
    def inner(depth: int) -> float:
        return train(depth=depth).outputs["score"]

    @dsl.pipeline
    def pipeline() -> None:
        with dsl.ParallelFor([1, 2]) as depth:
            looped = train(depth=depth)
            with dsl.If(looped.outputs["score"] > 0.5):
                use(model=looped.outputs["model"])
        nested = inner(depth=3)
        say(text=f"{nested.output}")

    specification, _ = compiled(pipeline)

    loop = tasks_of(specification, "comp-for-loop-2")
    assert loop["condition-3"]["dependentTasks"] == ["train", "train-check"]
    assert loop["train-check"]["dependentTasks"] == ["train"]
    assert set(tasks_of(specification, "comp-inner")) == {"train", "train-check"}
    assert tasks_of(specification)["say"]["dependentTasks"] == ["inner"]


def test_gates_of_one_notebook_share_a_component(train: Any) -> None:
    @dsl.pipeline
    def pipeline() -> None:
        first = train(depth=1)
        train(depth=2).after(first)

    specification, _ = compiled(pipeline)
    tasks = tasks_of(specification)

    assert tasks["train-2"]["dependentTasks"] == ["train", "train-check"]
    assert tasks["train-2-check"]["dependentTasks"] == ["train-2"]
    gates = {tasks[name]["componentRef"]["name"] for name in ("train-check", "train-2-check")}
    assert len(gates) == len({tasks[name]["componentRef"]["name"] for name in ("train", "train-2")})


def test_exit_tasks_run_after_a_failed_gate(train: Any) -> None:
    @dsl.pipeline
    def pipeline() -> None:
        with dsl.ExitHandler(say(text="bye")):
            train()
        careful = train(depth=2)
        say(text=careful.outputs["status"]).ignore_upstream_failure()

    specification, _ = compiled(pipeline)
    tasks = tasks_of(specification)

    assert set(tasks_of(specification, "comp-exit-handler-1")) == {"train", "train-check"}
    assert tasks["say"]["dependentTasks"] == ["exit-handler-1"]
    assert tasks["say-2"]["dependentTasks"] == ["train-2"]


def test_a_notebook_as_exit_task_has_no_gate(train: Any) -> None:
    @dsl.pipeline
    def pipeline() -> None:
        with dsl.ExitHandler(train()):
            say(text="first")

    assert set(tasks_of(compiled(pipeline)[0])) == {"exit-handler-1", "train"}


def test_names_in_use(train: Any) -> None:
    @fairing_component(name="train-check")
    def other() -> None: ...

    @dsl.pipeline
    def pipeline() -> None:
        other()
        train()

    specification, _ = compiled(pipeline)
    tasks = tasks_of(specification)

    assert tasks["train-check"]["componentRef"]["name"] == "comp-train-check"
    assert tasks["train-check-2"]["componentRef"]["name"] == "comp-train-check-2"
    assert "exec-train-check-2" in specification["deploymentSpec"]["executors"]


def test_a_gate_has_the_pod_settings_of_the_notebook_without_its_secrets(train: Any) -> None:
    @dsl.pipeline
    def pipeline(pool: dict) -> None:
        task = train().set_retry(2).set_cpu_limit("4")
        kubernetes.set_image_pull_secrets(task, ["registry-login"])
        kubernetes.add_toleration(task, key="gpu", operator="Exists")
        kubernetes.add_node_selector_json(task, pool)
        kubernetes.use_secret_as_env(task, "login", {"key": "KEY"})
        kubernetes.mount_pvc(task, "data", "/data")

    specification, platform = compiled(pipeline)
    executors = platform["platforms"]["kubernetes"]["deploymentSpec"]["executors"]

    assert set(executors["exec-train-check"]) == {"imagePullSecret", "tolerations"}
    assert {"secretAsEnv", "pvcMount", "nodeSelector"} < set(executors["exec-train"])
    assert "retryPolicy" not in tasks_of(specification)["train-check"]
    assert "resources" not in specification["deploymentSpec"]["executors"]["exec-train-check"]["container"]


def test_a_single_notebook_is_a_pipeline(train: Any) -> None:
    assert set(tasks_of(compiled(train)[0])) == {"train", "train-check"}


def test_the_component_that_runs_notebooks_has_a_gate() -> None:
    @dsl.pipeline
    def pipeline(image: str) -> None:
        ran = run_notebook(notebook="train.ipynb", text="{}", image=image)
        use(model=ran.outputs["model"])

    specification, _ = compiled(pipeline)
    tasks = tasks_of(specification)

    assert tasks["use"]["dependentTasks"] == ["run-notebook", "run-notebook-check"]
    assert tasks["run-notebook"]["cachingOptions"] == tasks["run-notebook-check"]["cachingOptions"] == {}
    executors = specification["deploymentSpec"]["executors"]
    notebook, gate = (executors[f"exec-run-notebook{suffix}"]["container"] for suffix in ("", "-check"))
    assert (gate["image"], gate["command"]) == (notebook["image"], notebook["command"])
    assert gate["args"] == ["check-notebook", "--executor_input", "{{$}}"]
    inputs = specification["components"]["comp-run-notebook-check"]["inputDefinitions"]["parameters"]
    declared = COMPONENTS["check-notebook"].inputs
    assert set(inputs) == {one.name for one in declared}
