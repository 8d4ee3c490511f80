"""The fixture `run_pipeline`, as a user's test requests it."""

import subprocess
import sys
from pathlib import Path

import pytest
from kfp import dsl

from fairing_kfp import OUTPUT, StepFailedError, fairing_component
from fairing_kfp.testing import RunPipeline
from tests.support.paths import TOP


@fairing_component
def train(depth: int, model: dsl.Output[dsl.Model] = OUTPUT) -> float:
    print("trains with depth", depth)
    if depth < 0:
        raise ValueError("it is negative")
    Path(model.path).write_text(str(depth))
    model.metadata["depth"] = depth
    return depth / 10


@dsl.pipeline
def digits(depth: int = 3):
    train(depth=depth)


def test_a_run_gives_its_steps(run_pipeline: RunPipeline, tmp_path: Path) -> None:
    result = run_pipeline(digits, {"depth": 5}, reuse=True)
    step = result.step("train")

    assert (step.state, step.outputs, step.metrics) == ("succeeded", {"Output": 0.5}, {"model": {"depth": 5}})
    assert Path(step.artifacts["model"]).read_text() == "5"
    assert "trains with depth 5\n" in step.log_text()
    assert result.folder.parent == tmp_path / "local_outputs"
    assert run_pipeline(digits, {"depth": 5}, reuse=True).step("train").state == "reused"
    assert run_pipeline(digits, {"depth": 5}).step("train").state == "succeeded"


def test_a_failed_run_has_its_steps_in_the_error(run_pipeline: RunPipeline) -> None:
    with pytest.raises(StepFailedError, match="it is negative") as raised:
        run_pipeline(train, {"depth": -1})

    step = raised.value.result.step("train")
    assert step.state == "failed"
    assert step.log_text() == raised.value.log


def test_pytest_loads_the_plugin_by_its_entry_point_and_nothing_heavy_with_it() -> None:
    assert '"fairing_kfp.testing.plugin" = "fairing_kfp.testing.plugin"' in (TOP / "pyproject.toml").read_text()
    heavy = ["kfp", "kubernetes", "rich", "click", "urllib3", "cloudpickle", "yaml", "uv", "fairing_kfp.settings"]
    code = f"import sys, fairing_kfp.testing.plugin; print([name for name in {heavy!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
