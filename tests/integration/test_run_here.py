"""Pipelines run on this machine, from the layers that would be pushed."""

import sys
from pathlib import Path

import pytest
from kfp import dsl

import fairing_kfp
from fairing_kfp.build.cache import Cache
from fairing_kfp.errors import PipelineError, StepFailedError
from fairing_kfp.local.event import Event
from tests.golden import PIPELINES

_TRAINING = str(Path(__file__).parent.parent / "pipelines" / "training.py")
_FAILING = str(Path(__file__).parent.parent / "pipelines" / "failing.py")


@pytest.fixture
def control_flow() -> object:
    return fairing_kfp.load_pipeline(PIPELINES["control-flow"])


@pytest.fixture
def failing() -> object:
    return fairing_kfp.load_pipeline(f"{_FAILING}:failing")


@pytest.mark.parametrize(("count", "word", "boxes"), [(2, "little", [2, 4]), (4, "much", [2, 4, 6, 8])])
def test_loops_conditions_nesting_and_exit_handlers(
    control_flow: object, cache: Cache, tmp_path: Path, count: int, word: str, boxes: list[int]
) -> None:
    result = fairing_kfp.run(control_flow, {"count": count}, output=tmp_path, cache=cache)

    made = [step for step in result.steps if step.name.startswith("box")]
    assert [step.outputs["Output"] for step in made] == boxes
    assert len({step.artifacts["made"] for step in made}) == len(boxes)  # each turn keeps its own file
    assert result.step("total").outputs["Output"] == sum(boxes)
    assert result.step("say").outputs["Output"] == result.step("say-2").outputs["Output"] == word
    assert "over SUCCEEDED" in Path(result.step("last").log).read_text()


def test_unchanged_steps_are_reused_unless_told_otherwise(control_flow: object, cache: Cache, tmp_path: Path) -> None:
    first = fairing_kfp.run(control_flow, {"count": 2}, output=tmp_path, cache=cache)
    second = fairing_kfp.run(control_flow, {"count": 2}, output=tmp_path, cache=cache)
    third = fairing_kfp.run(control_flow, {"count": 2}, output=tmp_path, cache=cache, reuse=False)

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
        fairing_kfp.run(failing, {"how": how}, output=tmp_path, cache=cache, tell=events.append)

    said = [event.text for event in events if event.kind == "fail"]
    assert expected in f"{caught.value}{said}"
    assert "before the failure" in caught.value.log
    assert len(said) == 1


def test_step_sees_nothing_of_the_authors_process(cache: Cache, tmp_path: Path) -> None:
    result = fairing_kfp.run(fairing_kfp.load_pipeline(f"{_FAILING}:owner"), output=tmp_path, cache=cache)

    _, _, variables, folder = result.outputs["Output"]
    assert variables == []
    assert not Path(folder).exists()  # an empty one of its own, gone with it


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [({"nothing": 1}, "no parameter 'nothing'"), ({"count": "many"}, "count='many' is no integer")],
)
def test_wrong_parameters_are_refused_before_anything_runs(
    control_flow: object, cache: Cache, tmp_path: Path, arguments: dict[str, object], expected: str
) -> None:
    with pytest.raises(PipelineError, match=expected):
        fairing_kfp.run(control_flow, arguments, output=tmp_path / "out", cache=cache)

    assert not (tmp_path / "out").exists()


def test_parameter_that_names_python3_arrives_as_it_is(cache: Cache, tmp_path: Path) -> None:
    with pytest.raises(StepFailedError):
        fairing_kfp.run(
            fairing_kfp.load_pipeline(f"{_FAILING}:failing"), {"how": "raise"}, output=tmp_path / "python3", cache=cache
        )
    result = fairing_kfp.run(
        fairing_kfp.load_pipeline(f"{_FAILING}:failing"), {"how": "python3"}, output=tmp_path / "python3", cache=cache
    )

    assert result.step("fail").outputs["Output"] == "python3"


def test_global_state_is_left_as_it_was(control_flow: object, cache: Cache, tmp_path: Path) -> None:
    from kfp.local import config

    before = config.LocalExecutionConfig.instance, sys.stdout
    fairing_kfp.run(control_flow, {"count": 1}, output=tmp_path, cache=cache)

    assert (config.LocalExecutionConfig.instance, sys.stdout) == before


_TABLE = "x" * 1_500_000


@fairing_kfp.fairing_component
def heavy() -> int:
    return len(_TABLE)


def test_warnings_of_packing_are_told(cache: Cache, tmp_path: Path) -> None:
    @dsl.pipeline
    def weighs():
        heavy()

    events: list[Event] = []
    fairing_kfp.run(weighs, output=tmp_path, cache=cache, tell=events.append)

    assert any(event.kind == "warn" and "'_TABLE' (str, 1.5 MB)" in event.text for event in events)


@fairing_kfp.fairing_component
def careless(count: int) -> int:
    return count + 1


def test_pipeline_called_like_one_of_its_components(cache: Cache, tmp_path: Path) -> None:
    @dsl.pipeline(name="careless")
    def pipeline(times: int = 2) -> int:
        return careless(count=times).output

    result = fairing_kfp.run(pipeline, output=tmp_path, cache=cache)

    assert result.outputs == {"Output": 3}
    assert result.folder.name.startswith("careless-")


def test_steps_of_torch_are_the_first_process_of_one(
    cache: Cache, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tests = Path(__file__).parent.parent
    monkeypatch.syspath_prepend(str(tests / "stand_ins"))
    pipeline = fairing_kfp.load_pipeline(f"{tests}/pipelines/frameworks.py:met")

    result = fairing_kfp.run(pipeline, output=tmp_path, cache=cache)

    assert {step.outputs["Output"] for step in result.steps} == {"0 0 1 127.0.0.1"}


def test_train_steps_are_one_process_here_and_say_so(cache: Cache, tmp_path: Path) -> None:
    told: list[Event] = []
    pipeline = fairing_kfp.load_pipeline(_TRAINING)

    result = fairing_kfp.run(pipeline, {"depth": 6}, output=tmp_path, cache=cache, tell=told.append)

    assert result.outputs == {"Output": 3.0}
    assert [event.text for event in told if event.kind == "warn"] == [
        "train runs here as one process; on Kubernetes it is a TrainJob of 2 nodes",
    ]
    with pytest.raises(StepFailedError, match="no such depth"):
        fairing_kfp.run(pipeline, {"depth": -1}, output=tmp_path, cache=cache)
