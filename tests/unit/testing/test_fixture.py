"""The fixture `run_pipeline`, as a user's test requests it."""

import subprocess
import sys
from pathlib import Path

from fairing_kfp import fairing_component
from fairing_kfp.testing import RunPipeline
from tests.support.paths import TOP


@fairing_component
def train(depth: int) -> float:
    return depth / 10


def test_steps_run_each_time_in_the_folder_of_the_test(run_pipeline: RunPipeline, tmp_path: Path) -> None:
    first = run_pipeline(train, {"depth": 5}, reuse=True)
    second = run_pipeline(train, {"depth": 5})

    assert [one.step("train").state for one in (first, second)] == ["succeeded", "succeeded"]
    assert first.folder.parent == second.folder.parent == tmp_path / "local_outputs"


def test_pytest_loads_the_plugin_by_its_entry_point_and_nothing_heavy_with_it() -> None:
    assert '"fairing_kfp.testing.plugin" = "fairing_kfp.testing.plugin"' in (TOP / "pyproject.toml").read_text()
    heavy = ["kfp", "kubernetes", "rich", "click", "urllib3", "cloudpickle", "yaml", "uv", "fairing_kfp.settings"]
    code = f"import sys, fairing_kfp.testing.plugin; print([name for name in {heavy!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
