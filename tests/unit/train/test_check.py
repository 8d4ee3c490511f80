"""What is said of a cluster that lacks what a job needs; nothing is created."""

from __future__ import annotations

from typing import Any

import pytest

from fairing_kfp.errors import MissingObjectError, NotInstalledError
from fairing_kfp.train.order import Kind, Order
from fairing_kfp.train.workload import workload


class Bare:
    """A cluster with nothing but what Kubernetes has itself."""

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
        ("pytorchjob", "Kubeflow's Training Operator"),
        ("tfjob", "Kubeflow's Training Operator"),
    ],
)
def test_a_kind_that_is_not_installed_is_named_with_who_brings_it(kind: Kind, provider: str) -> None:
    cluster: Any = Bare()
    found = workload(kind)
    with pytest.raises(NotInstalledError, match=f"does not know {found.kind}") as caught:
        found.check(cluster, Order(kind=kind, name="digits", image="i"))
    assert f"have {provider} installed" in caught.value.remedy
    assert [one.partition(" ")[0] for one in cluster.asked] == ["GET"]


def test_every_cluster_has_jobs() -> None:
    cluster: Any = Bare()
    workload("job").check(cluster, Order(kind="job", name="digits", image="i"))
    assert cluster.asked == []
