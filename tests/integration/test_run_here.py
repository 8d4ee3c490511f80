"""Local runs, from the layers of the images."""

from pathlib import Path

import pytest
from kfp import dsl

import fairing_kfp
from fairing_kfp.cache.store import Cache
from fairing_kfp.display.event import Event
from fairing_kfp.errors import DependencyError, PipelineError, StepFailedError
from tests.golden import PIPELINES
from tests.support.paths import TESTS
from tests.support.services import missing

_TRAINING = str(TESTS / "pipelines" / "training.py")
_FAILING = str(TESTS / "pipelines" / "failing.py")


@pytest.fixture
def cache() -> Cache:
    """The test's own results of steps, with what all tests have packed."""
    return Cache()


@pytest.fixture
def control_flow() -> object:
    return fairing_kfp.load_pipeline(PIPELINES["control-flow"])


@pytest.fixture
def failing() -> object:
    return fairing_kfp.load_pipeline(f"{_FAILING}:failing")


@pytest.mark.parametrize(("count", "word", "boxes"), [(2, "little", [2, 4]), (3, "much", [2, 4, 6])])
def test_loops_conditions_nesting_and_exit_handlers(
    control_flow: object, cache: Cache, tmp_path: Path, count: int, word: str, boxes: list[int]
) -> None:
    result = fairing_kfp.run(control_flow, {"count": count}, output=tmp_path, cache=cache)

    made = [step for step in result.steps if step.name.startswith("box")]
    assert [step.outputs["Output"] for step in made] == boxes
    assert len({step.artifacts["made"] for step in made}) == len(boxes)  # each iteration has its own file
    assert result.step("total").outputs["Output"] == sum(boxes)
    # In the nested pipeline, `say` of the first branch has the name of a task of the pipeline itself.
    branch = "say-2" if word == "little" else "say-3"
    assert result.step("say").outputs["Output"] == result.step(branch).outputs["Output"] == word
    assert "over COMPLETE" in Path(result.step("last").log).read_text()


def test_unchanged_steps_are_reused_unless_disabled(control_flow: object, cache: Cache, tmp_path: Path) -> None:
    first = fairing_kfp.run(control_flow, {"count": 1}, output=tmp_path, cache=cache)
    second = fairing_kfp.run(control_flow, {"count": 1}, output=tmp_path, cache=cache)
    third = fairing_kfp.run(control_flow, {"count": 1}, output=tmp_path, cache=cache, reuse=False)

    assert {step.state for step in first.steps} == {"succeeded"}
    states = {step.name: step.state for step in second.steps}
    assert states["numbers"] == states["box"] == "reused"
    assert states["total"] == "succeeded"  # set_caching_options(False)
    assert {step.state for step in third.steps} == {"succeeded"}


@pytest.mark.parametrize(
    ("how", "expected"),
    [
        ("raise", 'raise ValueError("as it was told")'),
        ("undeclared", "No module named 'pytest'"),
        ("kill", "SIGKILL"),
        ("exit", "exit code 7"),
        ("leave", "without its outputs"),
    ],
)
def test_failed_step_fails_the_run_with_its_log(
    failing: object, cache: Cache, tmp_path: Path, how: str, expected: str
) -> None:
    events: list[Event] = []

    with pytest.raises(StepFailedError) as caught:
        fairing_kfp.run(failing, {"how": how}, output=tmp_path, cache=cache, on_event=events.append)

    said = [event.text for event in events if event.kind == "fail"]
    assert expected in f"{caught.value}{said}"
    assert "before the failure" in caught.value.log
    assert len(said) == 1


def test_step_sees_nothing_of_the_authors_process(cache: Cache, tmp_path: Path) -> None:
    result = fairing_kfp.run(fairing_kfp.load_pipeline(f"{_FAILING}:owner"), output=tmp_path, cache=cache)

    _, _, variables, folder = result.outputs["Output"]
    assert variables == []
    assert not Path(folder).exists()  # it had its own, which was deleted


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [({"nothing": 1}, "no parameter 'nothing'"), ({"count": "many"}, "count='many' is not of the type integer")],
)
def test_invalid_arguments_are_rejected_before_a_step_runs(
    control_flow: object, cache: Cache, tmp_path: Path, arguments: dict[str, object], expected: str
) -> None:
    with pytest.raises(PipelineError, match=expected):
        fairing_kfp.run(control_flow, arguments, output=tmp_path / "out", cache=cache)

    assert not (tmp_path / "out").exists()


def test_a_parameter_with_python3_is_passed_unchanged(cache: Cache, tmp_path: Path) -> None:
    with pytest.raises(StepFailedError):
        fairing_kfp.run(
            fairing_kfp.load_pipeline(f"{_FAILING}:failing"), {"how": "raise"}, output=tmp_path / "python3", cache=cache
        )
    result = fairing_kfp.run(
        fairing_kfp.load_pipeline(f"{_FAILING}:failing"), {"how": "python3"}, output=tmp_path / "python3", cache=cache
    )

    assert result.step("fail").outputs["Output"] == "python3"


_TABLE = "x" * 1_100_000


@fairing_kfp.fairing_component
def heavy() -> int:
    return len(_TABLE)


def test_warnings_of_packing_are_events(cache: Cache, tmp_path: Path) -> None:
    @dsl.pipeline
    def weighs():
        heavy()

    events: list[Event] = []
    fairing_kfp.run(weighs, output=tmp_path, cache=cache, on_event=events.append)

    assert any(event.kind == "warn" and "'_TABLE' (str, 1.1 MB)" in event.text for event in events)


@fairing_kfp.fairing_component
def careless(count: int) -> int:
    return count + 1


def test_a_pipeline_with_the_name_of_a_component(cache: Cache, tmp_path: Path) -> None:
    @dsl.pipeline(name="careless")
    def pipeline(times: int = 2) -> int:
        return careless(count=times).output

    result = fairing_kfp.run(pipeline, output=tmp_path, cache=cache)

    assert result.outputs == {"Output": 3}
    assert result.folder.name.startswith("careless-")


def test_torch_steps_have_a_world_of_one_process(cache: Cache, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tests = TESTS
    monkeypatch.syspath_prepend(str(tests / "stand_ins"))
    pipeline = fairing_kfp.load_pipeline(f"{tests}/pipelines/frameworks.py:met")

    result = fairing_kfp.run(pipeline, output=tmp_path, cache=cache)

    assert {step.outputs["Output"] for step in result.steps} == {"0 0 1 127.0.0.1"}


def test_train_steps_are_one_process_with_a_warning(cache: Cache, tmp_path: Path) -> None:
    events: list[Event] = []
    pipeline = fairing_kfp.load_pipeline(_TRAINING)

    result = fairing_kfp.run(pipeline, {"depth": 6}, output=tmp_path, cache=cache, on_event=events.append)

    assert result.outputs == {"Output": 3.0}
    assert [event.text for event in events if event.kind == "warn"] == [
        "train runs here as one process; on Kubernetes it is a TrainJob of 2 nodes",
    ]
    with pytest.raises(StepFailedError, match="no such depth"):
        fairing_kfp.run(pipeline, {"depth": -1}, output=tmp_path, cache=cache)


def test_values_of_classes_of_the_pipelines_file(cache: Cache, tmp_path: Path) -> None:
    typed = fairing_kfp.load_pipeline(str(TESTS / "pipelines" / "typed.py"))
    try:
        result = fairing_kfp.run(typed, {"name": "blue"}, output=tmp_path, cache=cache)
    except DependencyError as error:
        missing(f"packages cannot be resolved: {error}")
        raise

    origin = {"x": 1, "color": "red", "day": "2026-01-31", "inner": []}
    point = {"x": 2, "color": "blue", "inner": [origin]}
    made = result.step("paint").outputs
    assert made["color"] == "blue"
    assert (made["config"]["rate"], made["config"]["mode"], made["config"]["point"]["color"]) == (2, "slow", "blue")
    assert result.step("read").outputs["Output"] == point
    assert result.step("length").outputs["Output"] == 1

    with pytest.raises(StepFailedError) as raised:
        fairing_kfp.run(typed, {"name": "green"}, output=tmp_path, cache=cache)
    assert raised.value.log == "fairing-kfp: paint: the input color: 'green' is not one of 'red', 'blue'\n"
