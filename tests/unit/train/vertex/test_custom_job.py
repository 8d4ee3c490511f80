"""The CustomJob in the types of Google's client and as JSON."""

from __future__ import annotations

import json
from dataclasses import replace

from fairing_kfp.train.vertex.custom_job import custom_job
from fairing_kfp.train.vertex.paths import JobPaths
from fairing_kfp.train.vertex.spec import VertexJobSpec
from tests.support.vertex_steps import executor_input_with_stores

_SPEC = VertexJobSpec(
    name="learn",
    image="europe-west4-docker.pkg.dev/my-project/images/digits@sha256:1",
    project="my-project",
    region="europe-west4",
    staging="gs://my-bucket/staging",
)
_FOLDER = "gs://my-bucket/staging/learn-1"


def test_request_has_all_options() -> None:
    from google.cloud.aiplatform_v1.types import CustomJob  # takes a second, which collecting tests does not need

    spec = replace(
        _SPEC,
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
    job = custom_job(spec, "learn-1", "mine", JobPaths(executor_input_with_stores(), _FOLDER), {"B": "2", "A": "1"})
    asked = json.loads(CustomJob.to_json(job, use_integers_for_enums=False))

    first, others = asked["jobSpec"].pop("workerPoolSpecs")
    assert (first["replicaCount"], others["replicaCount"]) == ("1", "2")
    for pool in (first, others):
        machine = pool["machineSpec"]
        assert machine["machineType"] == "n1-standard-8"
        assert (machine["acceleratorType"], machine["acceleratorCount"]) == ("NVIDIA_TESLA_T4", 2)
        container = pool["containerSpec"]
        assert container["imageUri"] == spec.image
        assert container["command"] == ["python3", "/opt/fairing/runtime/step.py"]
        assert container["env"] == [{"name": "A", "value": "1"}, {"name": "B", "value": "2"}]
    assert asked["labels"] == {"team": "scans", "fairing-kfp-owner": "mine"}
    assert asked["jobSpec"]["scheduling"]["timeout"] == "3600s"
    assert asked["jobSpec"]["scheduling"]["strategy"] == "SPOT"
    assert asked["jobSpec"]["serviceAccount"] == spec.service_account
    assert asked["jobSpec"]["network"] == spec.network


def test_nothing_in_the_arguments_looks_like_a_variable() -> None:
    given = executor_input_with_stores(word="$(HOME) $${x}")
    (pool,) = custom_job(_SPEC, "learn-1", "mine", JobPaths(given, _FOLDER), {}).job_spec.worker_pool_specs
    option, text = pool.container_spec.args

    assert option == "--executor_input"
    assert "$" not in text
    assert json.loads(text)["inputs"]["parameterValues"] == {"word": "$(HOME) $${x}"}
