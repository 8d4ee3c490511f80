"""What the page about security gives to a cluster."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from tests.support.paths import TOP

_POLICIES = [
    block
    for block in re.findall(r"```yaml\n(.*?)```", Path(TOP, "docs/security.md").read_text(encoding="utf-8"), re.DOTALL)
    if "kind: NetworkPolicy" in block
]


@pytest.mark.parametrize("policy", _POLICIES, ids=lambda policy: yaml.safe_load(policy)["metadata"]["name"])
def test_the_cluster_accepts_the_policies(
    policy: str, kubectl: Callable[..., str], namespace: str, tmp_path: Path
) -> None:
    (tmp_path / "policy.yaml").write_text(policy, encoding="utf-8")
    shown = kubectl("-n", namespace, "apply", "--dry-run=server", "-o", "yaml", "-f", str(tmp_path / "policy.yaml"))
    found, given = yaml.safe_load(shown)["spec"], yaml.safe_load(policy)["spec"]
    assert found["podSelector"] == given["podSelector"]
    assert [rule["from"] for rule in found["ingress"]] == [rule["from"] for rule in given["ingress"]]


def test_there_are_policies() -> None:
    assert _POLICIES
