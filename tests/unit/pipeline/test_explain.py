"""`explain`."""

from __future__ import annotations

import fairing_kfp
from fairing_kfp.cache.store import Cache
from tests.support.small_pipelines import names_an_image


def test_explain_without_a_registry_plans_nothing(cache: Cache) -> None:
    explained = fairing_kfp.explain(names_an_image, cache=cache)

    assert {item.recipe.name for item in explained} == {"one", "two"}
    assert all(item.plan is None for item in explained)
