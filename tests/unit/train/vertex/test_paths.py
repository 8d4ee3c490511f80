"""Paths of inputs and outputs, on this machine and in the bucket."""

from __future__ import annotations

from kfp.dsl import executor

from fairing_kfp.train.vertex.paths import JobPaths, StagedPath
from tests.support.vertex_steps import executor_input_with_stores

_FOLDER = "gs://my-bucket/staging/learn-1"


def test_every_path_is_in_the_folder_and_on_this_machine() -> None:
    paths = JobPaths(executor_input_with_stores(), _FOLDER)

    assert paths.inputs == [
        StagedPath("/minio/mlpipeline/a/scans", f"{_FOLDER}/inputs/scans/0/scans"),
        StagedPath("/s3/other/b/scans", f"{_FOLDER}/inputs/scans/1/scans"),
        StagedPath("/kfp-workspace/.artifacts/minio/mlpipeline/kept", f"{_FOLDER}/inputs/kept/0/kept"),
    ]
    assert paths.artifacts == [StagedPath("/minio/mlpipeline/v2/model", f"{_FOLDER}/outputs/artifacts/model/0/model")]
    assert paths.parameters == [StagedPath("/tmp/kfp/outputs/Output", f"{_FOLDER}/outputs/parameters/Output")]
    assert paths.output.uri == f"{_FOLDER}/outputs/output_metadata.json"
    remote = paths.executor_input()
    assert remote["inputs"]["artifacts"]["page"]["artifacts"][0]["uri"] == "https://example.com/page"
    assert remote["outputs"]["outputFile"] == "/gcs/my-bucket/staging/learn-1/outputs/output_metadata.json"


def test_kfps_executor_finds_artifacts_where_vertex_ai_mounts_buckets() -> None:
    remote = JobPaths(executor_input_with_stores(), _FOLDER).executor_input()
    made = executor.create_artifact_instance(remote["outputs"]["artifacts"]["model"]["artifacts"][0])
    given = executor.create_artifact_instance(remote["inputs"]["artifacts"]["kept"]["artifacts"][0])

    assert made.path == "/gcs/my-bucket/staging/learn-1/outputs/artifacts/model/0/model"
    assert given.path == "/gcs/my-bucket/staging/learn-1/inputs/kept/0/kept"


def test_outputs_get_their_original_uris() -> None:
    paths = JobPaths(executor_input_with_stores(), _FOLDER)
    remote = paths.executor_input()
    model = remote["outputs"]["artifacts"]["model"]["artifacts"][0]["uri"]
    scans = remote["inputs"]["artifacts"]["scans"]["artifacts"][1]["uri"]
    own = "gs://their-own-bucket/model"
    output = {"artifacts": {"x": {"artifacts": [{"uri": uri} for uri in (model, f"{model}/deep", scans, own)]}}}

    named = [one["uri"] for one in paths.with_original_uris(output)["artifacts"]["x"]["artifacts"]]
    assert named == ["minio://mlpipeline/v2/model", "minio://mlpipeline/v2/model/deep", "s3://other/b/scans", own]
