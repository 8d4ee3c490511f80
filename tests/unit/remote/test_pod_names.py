"""Names of pods, as Argo and KFP make them."""

from __future__ import annotations

from fairing_kfp.remote.pod_names import driver_pod_name, fnv1a, node_hashes, pod_names
from tests.support.workflow_nodes import node_id
from tests.support.workflow_nodes import pod_name as argo_pod_name

DOCUMENT = {
    "components": {"comp-train": {"executorLabel": "exec-train"}},
    "root": {
        "dag": {
            "tasks": {
                "train": {"componentRef": {"name": "comp-train"}, "retryPolicy": {"maxRetryCount": 2}},
                "report": {"componentRef": {"name": "comp-report"}},
            }
        }
    },
}
PLATFORM = {
    "platforms": {
        "kubernetes": {
            "deploymentSpec": {"executors": {"exec-train": {"podMetadata": {"labels": {"a": "1", "b": "2"}}}}}
        }
    }
}


def test_the_hash_is_fnv1a() -> None:
    # Vectors of http://www.isthe.com/chongo/src/fnv/test_fnv.c
    assert (fnv1a(""), fnv1a("a"), fnv1a("foobar")) == (0x811C9DC5, 0xE40C292C, 0xBF9CF968)
    assert fnv1a("bar", fnv1a("foo")) == fnv1a("foobar")


def test_a_pod_is_named_by_workflow_template_and_hash() -> None:
    node = node_id("digits-x7k2p", "root", "report", "executor")

    assert next(pod_names(node, "report", DOCUMENT, {})) == argo_pod_name("report")
    assert list(pod_names(node, "report", DOCUMENT, {}))[-1] == node


def test_with_retries_the_last_attempt_comes_first() -> None:
    node = node_id("digits-x7k2p", "root", "train", "executor")
    attempts = [node_id("digits-x7k2p", "root", "train", f"executor({number})") for number in (2, 1, 0)]
    ends = [attempt.rpartition("-")[2] for attempt in attempts]

    assert list(pod_names(node, "train", DOCUMENT, {}))[:3] == [
        f"digits-x7k2p-retry-system-container-impl-{end}" for end in ends
    ]
    assert node_hashes(node, "train", DOCUMENT) == [*ends, node.rpartition("-")[2]]


def test_labels_and_annotations_are_counted_in_the_template() -> None:
    node = node_id("digits-x7k2p", "root", "train", "executor")

    assert next(pod_names(node, "train", DOCUMENT, PLATFORM)).startswith(
        "digits-x7k2p-metadata-0-2-retry-system-container-impl-"
    )


def test_a_driver_has_a_pod_of_its_own() -> None:
    end = node_id("digits-x7k2p", "root", "train-driver").rpartition("-")[2]

    assert driver_pod_name("digits-x7k2p", "train") == f"digits-x7k2p-system-container-driver-{end}"


def test_a_node_without_a_hash_is_its_pod() -> None:
    assert list(pod_names("train-pod", "train", DOCUMENT, {})) == ["train-pod"]
