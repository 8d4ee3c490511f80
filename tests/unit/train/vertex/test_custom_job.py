"""The request, in Google's own types and as JSON, and the places that it names."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from google.cloud.aiplatform_v1 import types
from kfp.dsl import executor

from fairing_kfp.train.vertex.custom_job import custom_job
from fairing_kfp.train.vertex.order import VertexOrder
from fairing_kfp.train.vertex.places import Moved, Places

_ORDER = VertexOrder(
    name="learn",
    image="europe-west4-docker.pkg.dev/my-project/images/digits@sha256:1",
    project="my-project",
    region="europe-west4",
    staging="gs://my-bucket/staging",
)
_FOLDER = "gs://my-bucket/staging/learn-1"


def _input(**parameters: Any) -> dict[str, Any]:
    def artifact(name: str, uri: str, **metadata: Any) -> dict[str, Any]:
        return {"name": name, "type": {"schemaTitle": "system.Artifact"}, "uri": uri, "metadata": metadata}

    scans = [artifact("scans", "minio://mlpipeline/a/scans"), artifact("scans", "s3://other/b/scans")]
    kept = [artifact("kept", "minio://mlpipeline/kept", _kfp_workspace=True)]
    page = [artifact("page", "https://example.com/page")]
    return {
        "inputs": {
            "artifacts": {"scans": {"artifacts": scans}, "kept": {"artifacts": kept}, "page": {"artifacts": page}},
            "parameterValues": parameters,
        },
        "outputs": {
            "artifacts": {"model": {"artifacts": [artifact("model", "minio://mlpipeline/v2/model")]}},
            "parameters": {"Output": {"outputFile": "/tmp/kfp/outputs/Output"}},
            "outputFile": "/tmp/kfp_outputs/output_metadata.json",
        },
    }


def test_the_request_says_all_that_was_asked() -> None:
    order = replace(
        _ORDER,
        machine="n1-standard-8",
        accelerator="NVIDIA_TESLA_T4",
        accelerators=2,
        nodes=3,
        service_account="trainer@my-project.iam.gserviceaccount.com",
        network="projects/1/global/networks/default",
        labels={"team": "scans"},
        deadline=3600,
        spot=True,
    )
    job = custom_job(order, "learn-1", "mine", Places(_input(), _FOLDER), {"B": "2", "A": "1"})
    asked = json.loads(types.CustomJob.to_json(job, use_integers_for_enums=False))

    first, others = asked["jobSpec"].pop("workerPoolSpecs")
    assert (first["replicaCount"], others["replicaCount"]) == ("1", "2")
    for pool in (first, others):
        machine = pool["machineSpec"]
        assert machine["machineType"] == "n1-standard-8"
        assert (machine["acceleratorType"], machine["acceleratorCount"]) == ("NVIDIA_TESLA_T4", 2)
        container = pool["containerSpec"]
        assert container["imageUri"] == order.image
        assert container["command"] == ["python3", "/opt/fairing/runtime/step.py"]
        assert container["env"] == [{"name": "A", "value": "1"}, {"name": "B", "value": "2"}]
    assert asked["labels"] == {"team": "scans", "fairing-kfp-owner": "mine"}
    assert asked["jobSpec"]["scheduling"]["timeout"] == "3600s"
    assert asked["jobSpec"]["scheduling"]["strategy"] == "SPOT"
    assert asked["jobSpec"]["serviceAccount"] == order.service_account
    assert asked["jobSpec"]["network"] == order.network


def test_nothing_in_the_arguments_looks_like_a_variable() -> None:
    given = _input(word="$(HOME) $${x}")
    (pool,) = custom_job(_ORDER, "learn-1", "mine", Places(given, _FOLDER), {}).job_spec.worker_pool_specs
    option, text = pool.container_spec.args

    assert option == "--executor_input"
    assert "$" not in text
    assert json.loads(text)["inputs"]["parameterValues"] == {"word": "$(HOME) $${x}"}


def test_every_place_is_in_the_folder_and_known_here() -> None:
    places = Places(_input(), _FOLDER)

    assert places.inputs == [
        Moved("/minio/mlpipeline/a/scans", f"{_FOLDER}/inputs/scans/0/scans"),
        Moved("/s3/other/b/scans", f"{_FOLDER}/inputs/scans/1/scans"),
        Moved("/kfp-workspace/.artifacts/minio/mlpipeline/kept", f"{_FOLDER}/inputs/kept/0/kept"),
    ]
    assert places.artifacts == [Moved("/minio/mlpipeline/v2/model", f"{_FOLDER}/outputs/artifacts/model/0/model")]
    assert places.parameters == [Moved("/tmp/kfp/outputs/Output", f"{_FOLDER}/outputs/parameters/Output")]
    assert places.output.uri == f"{_FOLDER}/outputs/output_metadata.json"
    theirs = places.executor_input()
    assert theirs["inputs"]["artifacts"]["page"]["artifacts"][0]["uri"] == "https://example.com/page"
    assert theirs["outputs"]["outputFile"] == "/gcs/my-bucket/staging/learn-1/outputs/output_metadata.json"


def test_kfps_executor_finds_them_where_vertex_mounts_buckets() -> None:
    theirs = Places(_input(), _FOLDER).executor_input()
    made = executor.create_artifact_instance(theirs["outputs"]["artifacts"]["model"]["artifacts"][0])
    given = executor.create_artifact_instance(theirs["inputs"]["artifacts"]["kept"]["artifacts"][0])

    assert made.path == "/gcs/my-bucket/staging/learn-1/outputs/artifacts/model/0/model"
    assert given.path == "/gcs/my-bucket/staging/learn-1/inputs/kept/0/kept"


def test_outputs_are_named_as_here_again() -> None:
    places = Places(_input(), _FOLDER)
    there = places.executor_input()
    model = there["outputs"]["artifacts"]["model"]["artifacts"][0]["uri"]
    scans = there["inputs"]["artifacts"]["scans"]["artifacts"][1]["uri"]
    own = "gs://their-own-bucket/model"
    output = {"artifacts": {"x": {"artifacts": [{"uri": uri} for uri in (model, f"{model}/deep", scans, own)]}}}

    named = [one["uri"] for one in places.as_here(output)["artifacts"]["x"]["artifacts"]]
    assert named == ["minio://mlpipeline/v2/model", "minio://mlpipeline/v2/model/deep", "s3://other/b/scans", own]
