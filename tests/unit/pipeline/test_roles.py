"""Manifests of the roles of built-in steps."""

from __future__ import annotations

from fairing_kfp.pipeline.roles import manifest, rules_by_feature
from tests.support.paths import TOP


def test_manifests_are_current() -> None:
    files = {file.stem: file.read_text() for file in (TOP / "components" / "rbac").glob("*.yaml")}
    remedy = "update them: python -m fairing_kfp.pipeline.roles components/rbac"
    assert files == {feature: manifest(feature) for feature in rules_by_feature()}, remedy
