"""samples/distributed, compiled: its code wants PyTorch, which is too large for tests; `test_train_frameworks.py` has
the same kinds of jobs meet by a stand-in.
"""

from __future__ import annotations

import pytest

import fairing_kfp
from fairing_kfp.cache.store import Cache
from tests.golden import PIPELINES, assert_golden
from tests.support.stand_in_builder import StandInBuilder


@pytest.mark.parametrize("name", ["pytorchjob", "trainjob"])
def test_it_compiles_to_its_golden_yaml(name: str, shared_cache: Cache) -> None:
    compiled = fairing_kfp.compile(
        fairing_kfp.load_pipeline(PIPELINES[name]), builder=StandInBuilder(), cache=shared_cache
    )

    assert_golden(name, compiled.text)
    assert set(compiled.images) == {"train", "fairing-kfp"}
