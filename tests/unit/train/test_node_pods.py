"""Which pods are nodes of a job."""

from __future__ import annotations

from typing import Any

import pytest

from fairing_kfp.cluster.watch import Change
from fairing_kfp.errors import MissingObjectError
from fairing_kfp.train.node_pods import NodePods

DIGEST = "sha256:" + "1" * 64
IMAGE = f"registry.example.com/train@{DIGEST}"


def reference(kind: str, uid: str, controller: bool = True) -> dict[str, Any]:
    groups = {"Job": "batch/v1", "JobSet": "jobset.x-k8s.io/v1alpha2", "TrainJob": "trainer.kubeflow.org/v1alpha1"}
    return {"apiVersion": groups[kind], "kind": kind, "name": f"{kind.lower()}-{uid}", "uid": uid} | (
        {"controller": True} if controller else {}
    )


def pod(uid: str = "a", phase: str = "Running", image: str = IMAGE, owner: Any = None, **metadata: Any) -> Any:
    owners = [owner] if owner else [reference("Job", "job")]
    return {
        "metadata": {"name": f"pod-{uid}", "namespace": "n", "uid": uid, "ownerReferences": owners, **metadata},
        "spec": {"containers": [{"name": "side", "image": "other"}, {"name": "main", "image": image}]},
        "status": {"phase": phase},
    }


class Cluster:
    """Owners by their names."""

    def __init__(self, **owners: Any) -> None:
        self.owners, self.asked = owners, 0

    def request(self, method: str, path: str, **_: Any) -> Any:
        if "/namespaces/" not in path:
            names = {"Job": "jobs", "JobSet": "jobsets", "TrainJob": "trainjobs"}
            return {"resources": [{"kind": kind, "name": name, "namespaced": True} for kind, name in names.items()]}
        self.asked += 1
        name = path.rpartition("/")[2].replace("-", "_")
        if name not in self.owners:
            raise MissingObjectError("gone", status=404)
        return self.owners[name]


class Scene:
    def __init__(self, cluster: Any = None, image: str = IMAGE, nodes: int = 2) -> None:
        self.warnings: list[str] = []
        self.cluster = cluster or Cluster()
        self.pods = NodePods(self.cluster, "job", image, "main", nodes, self.warnings.append)

    def see(self, pod: Any, rank: int = 0, deleted: bool = False) -> list[str]:
        return [one.object["metadata"]["uid"] for one in self.pods.admitted(rank, Change(pod, deleted=deleted))]


def owner(uid: str, above: Any) -> Any:
    return {"metadata": {"uid": uid, "namespace": "n", "ownerReferences": [above] if above else []}}


def test_pod_of_the_job_is_a_node() -> None:
    scene = Scene()
    assert scene.see(pod()) == ["a"]
    assert scene.see(pod("b"), 1) == ["b"]
    assert (scene.warnings, scene.cluster.asked) == ([], 0)


def test_owners_are_followed_up_to_the_job_and_read_once() -> None:
    cluster = Cluster(job_j=owner("j", reference("JobSet", "s")), jobset_s=owner("s", reference("TrainJob", "job")))
    scene = Scene(cluster)
    assert scene.see(pod(owner=reference("Job", "j"))) == ["a"]
    assert scene.see(pod("b", owner=reference("Job", "j")), 1) == ["b"]
    assert (scene.warnings, cluster.asked) == ([], 2)


@pytest.mark.parametrize(
    ("decoy", "why"),
    [
        (pod(ownerReferences=[]), "the controller of the job did not create it"),
        (pod(owner=reference("Job", "job", controller=False)), "the controller of the job did not create it"),
        (pod(owner=reference("Job", "another")), "the controller of the job did not create it"),
        (pod(owner=reference("Job", "gone")), "the controller of the job did not create it"),
        (pod(owner=reference("Job", "forged")), "the controller of the job did not create it"),
        (pod(owner=reference("Job", "circle")), "the controller of the job did not create it"),
        (
            pod(image="registry.example.com/train:latest"),
            f"its image is registry.example.com/train:latest, not {IMAGE}",
        ),
        (pod(image=IMAGE.replace("1", "2")), "its image is"),
    ],
)
def test_others_are_ignored_with_one_warning(decoy: Any, why: str) -> None:
    cluster = Cluster(
        job_another=owner("another", None),
        job_forged=owner("of another uid", reference("Job", "job")),
        job_circle=owner("circle", reference("Job", "circle")),
    )
    scene = Scene(cluster)
    assert scene.see(decoy) == scene.see(decoy) == []
    (warning,) = scene.warnings
    assert warning.startswith(f"warning: pod pod-a is ignored, though it claims to be node 0: {why}")
    assert scene.see(pod("b")) == ["b"]


def test_rank_beyond_the_job_is_ignored() -> None:
    scene = Scene(nodes=1)
    assert scene.see(pod(), 1) == []
    assert "the job has 1 nodes" in scene.warnings[0]


def test_mirror_of_the_registry_has_the_same_digest() -> None:
    assert Scene().see(pod(image=f"mirror.example.com/train@{DIGEST}")) == ["a"]


def test_image_without_a_digest_is_not_compared() -> None:
    assert Scene(image="python:3.12").see(pod(image="mirror.example.com/python:3.12")) == ["a"]


def test_second_pod_of_a_rank_is_ignored_until_the_first_ends() -> None:
    scene = Scene()
    assert scene.see(pod("a")) == ["a"]
    assert scene.see(pod("b")) == scene.see(pod("b")) == []
    assert scene.warnings == [
        "warning: pod pod-b is ignored, though it claims to be node 0: pod pod-a has that rank already"
    ]
    assert scene.see(pod("a", "Failed")) == ["a", "b"]
    assert scene.see(pod("b")) == ["b"]
    assert scene.see(pod("a", "Failed"), deleted=True) == ["a"]  # an earlier pod


def test_second_pod_that_ends_is_never_a_node() -> None:
    scene = Scene()
    assert scene.see(pod("a")) == ["a"]
    assert scene.see(pod("b")) == []
    assert scene.see(pod("b"), deleted=True) == []
    assert scene.see(pod("a"), deleted=True) == ["a"]


@pytest.mark.parametrize("ended", [pod("a", "Failed"), pod("a", deletionTimestamp="now")])
def test_pod_that_is_replaced_gives_its_rank_up(ended: Any) -> None:
    scene = Scene()
    assert scene.see(pod("a")) == ["a"]
    assert scene.see(ended) == ["a"]
    assert scene.see(pod("b")) == ["b"]
    assert scene.warnings == []
