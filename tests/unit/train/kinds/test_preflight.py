"""Errors on clusters that do not serve a kind of job; nothing is created."""

from __future__ import annotations

from typing import Any

import pytest

from fairing_kfp.errors import MissingObjectError, NotInstalledError
from fairing_kfp.train.kinds.kind import training_kind
from fairing_kfp.train.spec import JobSpec


class Bare:
    """A cluster without custom resources."""

    namespace = "n"

    def __init__(self) -> None:
        self.asked: list[str] = []

    def request(self, method: str, path: str, **_: Any) -> dict[str, Any]:
        self.asked.append(f"{method} {path}")
        raise MissingObjectError("the server could not find the requested resource", status=404)


@pytest.mark.parametrize(
    ("kind", "provider"),
    [
        ("trainjob", "Kubeflow Trainer"),
        ("pytorchjob", "the Kubeflow Training Operator"),
        ("tfjob", "the Kubeflow Training Operator"),
    ],
)
def test_missing_kind_is_named_with_its_provider(kind: str, provider: str) -> None:
    cluster: Any = Bare()
    found = training_kind(kind)
    with pytest.raises(NotInstalledError, match=f"does not serve {found.kind}") as caught:
        found.preflight(cluster, JobSpec(kind=kind, name="digits", image="i"))
    assert f"install {provider}" in caught.value.remedy
    assert [one.partition(" ")[0] for one in cluster.asked] == ["GET"]


def test_every_cluster_has_jobs() -> None:
    cluster: Any = Bare()
    training_kind("job").preflight(cluster, JobSpec(kind="job", name="digits", image="i"))
    assert cluster.asked == []
