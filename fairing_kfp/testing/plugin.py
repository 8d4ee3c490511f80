"""The pytest plugin, which the entry point `pytest11` of the package loads."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from fairing_kfp.testing import RunPipeline


@pytest.fixture
def run_pipeline(tmp_path: Path) -> RunPipeline:
    """Runs a pipeline on this machine: `run_pipeline(pipeline, arguments).step("train").outputs`."""

    def call(pipeline: Any, arguments: Any = None, **options: Any) -> Any:
        from fairing_kfp.local.run import run

        return run(pipeline, arguments, **{"output": tmp_path / "local_outputs", "reuse": False, **options})

    return call
