"""The sample of a notebook as code, run here."""

from __future__ import annotations

from pathlib import Path

import pytest

import fairing_kfp
from fairing_kfp.build.cache import Cache

_SAMPLE = Path(__file__).parents[2] / "samples" / "notebook-as-code" / "pipeline.py"


def test_the_sample_finds_its_groups(cache: Cache, tmp_path: Path) -> None:
    result = fairing_kfp.run(fairing_kfp.load_pipeline(str(_SAMPLE)), {"count": 3}, cache=cache, output=tmp_path)

    assert result.outputs["Output"] == pytest.approx(1.2, abs=0.2)
    assert result.step("spread-around-one").outputs["Output"] > 5
    assert "180 points" in Path(result.step("groups").log).read_text()
