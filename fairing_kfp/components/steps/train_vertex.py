"""`train_vertex`: a command of an image, run as a custom job of Vertex AI."""

from __future__ import annotations

import json
import tempfile
import time
from typing import Any

from fairing_kfp.components.declaration import (
    Input,
    Output,
    ReusableComponent,
    StepInputs,
    StepResult,
    TaskSetting,
)
from fairing_kfp.components.registries import CACHING, image_reference
from fairing_kfp.components.train_command import (
    ARGUMENTS,
    COMMAND,
    DATASET,
    DEADLINE,
    ENV,
    IMAGE,
    OUTPUTS,
    PLACEHOLDERS,
    check_words,
    command_input,
    command_of,
    result,
)
from fairing_kfp.preprocess.source import VERTEX_IMAGE
from fairing_kfp.train.any_image.launch import launch_command
from fairing_kfp.train.vertex.process import check_packages, exit_on_sigterm, owner_of_step
from fairing_kfp.train.vertex.spec import VertexJobSpec

_NAME = "train-vertex"


def run(given: StepInputs) -> StepResult:
    """Runs the command on Vertex AI, and returns when its outputs are here.

    Raises:
        ConfigError: the value of an input is invalid, or Google's clients are missing.
        InvalidReferenceError: the image is malformed.
        VertexError: Google Cloud rejects a request, or does not answer.
        JobFailedError: the job failed, or wrote no model.
    """
    values = given.values
    image_reference(_NAME, "image", values["image"])
    words = command_of(given)
    check_words(_NAME, given, words)
    spec = _spec(values)
    check_packages()
    from fairing_kfp.train.vertex.jobs import console_url
    from fairing_kfp.train.vertex.step import train

    start = time.monotonic()
    with exit_on_sigterm(), tempfile.TemporaryDirectory(prefix="fairing-vertex-") as scratch:
        executor_input = command_input(given, words, f"{scratch}/executor_output.json")
        # The folder is another in each attempt, so it does not identify the step.
        owner = owner_of_step(f"{spec.text()}{json.dumps(command_input(given, words, ''), sort_keys=True)}")
        job = train(spec, executor_input, owner, log=given.log)
    rows = (("job", job.name), ("log", console_url(job)), ("machine", spec.machine))
    ended = result(_NAME, spec.shown, time.monotonic() - start, given, words, rows)
    return StepResult(ended.verdict, ended.rows, {"gcp_resources": _resources(spec, job)}, ended.metadata)


def _spec(values: Any) -> VertexJobSpec:
    return VertexJobSpec(
        name=_NAME,
        image=values["image"],
        project=values["project"],
        region=values["location"],
        staging=values["staging"],
        machine=values["machine"],
        accelerator=values["accelerator"] or None,
        accelerators=values["accelerators"],
        nodes=values["nodes"],
        service_account=values["service_account"] or None,
        network=values["network"] or None,
        labels=values["labels"],
        deadline=values["deadline"] or None,
        spot=values["spot"],
        endpoint=values["endpoint"] or None,
        display_name=values["display_name"],
        command=tuple(launch_command()),
    )


def _resources(spec: VertexJobSpec, job: Any) -> str:
    """The job as KFP's components for Google Cloud name resources (gcp_resources.proto)."""
    uri = f"https://{spec.region}-aiplatform.googleapis.com/v1/{job.name}"
    return json.dumps({"resources": [{"resourceType": "CustomJob", "resourceUri": uri}]})


TRAIN_VERTEX = ReusableComponent(
    name=_NAME,
    category="training",
    description="Runs a command of an image as a custom job of Vertex AI, and keeps its model and metrics.",
    details=(
        f"{PLACEHOLDERS} The files are streamed through a folder of the bucket `staging`, which Vertex AI mounts into "
        "its machines; the outputs are those of the first machine, and the folder is deleted at the end. The image "
        "needs `python3` (3.9 or later) and a writable `/tmp`, and nothing of fairing-kfp; Vertex AI must be able to "
        "pull it. If the step is terminated, it cancels the job. Credentials are those of the step's pod: Workload "
        "Identity, or a mounted key that `GOOGLE_APPLICATION_CREDENTIALS` names. The step needs "
        "`roles/aiplatform.user`, `roles/storage.objectUser` on the bucket, and `roles/iam.serviceAccountUser` on "
        "`service_account`, and on Kubernetes the role in `components/rbac/vertex.yaml`. Publish it with "
        f"`fairing-kfp components publish --extra vertex`. {CACHING}"
    ),
    inputs=(
        IMAGE,
        COMMAND,
        Input("project", "str", "ID of the Google Cloud project."),
        Input("location", "str", "Region of Vertex AI, such as `europe-west4`."),
        Input("staging", "str", "Folder of a bucket for files while the job runs, such as `gs://my-bucket/staging`."),
        ARGUMENTS,
        ENV,
        DATASET,
        Input("display_name", "str", "Name of the job in the console; made of the run by default.", default=""),
        Input("labels", "dict", "Labels of the job.", default={}),
        Input("machine", "str", "Machine type.", default="n1-standard-4"),
        Input("accelerator", "str", "Accelerator type, such as `NVIDIA_TESLA_T4`; empty for none.", default=""),
        Input("accelerators", "int", "Number of accelerators of a machine.", default=1),
        Input("nodes", "int", "Number of machines, which find each other by `CLUSTER_SPEC`.", default=1),
        Input("service_account", "str", "Service account of the command; Vertex AI's agent by default.", default=""),
        Input("network", "str", "Network to peer with: `projects/NUMBER/global/networks/NAME`.", default=""),
        DEADLINE,
        Input("spot", "bool", "Whether to use Spot VMs, which can be preempted.", default=False),
        Input("endpoint", "str", "Host of the API, for Private Service Connect.", default=""),
    ),
    outputs=(*OUTPUTS, Output("gcp_resources", "str", "The custom job, as Google Cloud components name resources.")),
    run=run,
    example='''\
train_vertex = load("training/train_vertex")


@dsl.pipeline(name="train-vertex-example")
def example(
    image: str = "europe-west4-docker.pkg.dev/my-project/images/train:1",
    data: str = "gs://my-bucket/data",
    epochs: int = 3,
):
    """Trains on a machine with a GPU."""
    scans = dsl.importer(artifact_uri=data, artifact_class=dsl.Dataset)
    train_vertex(
        image=image,
        command=["python3", "train.py"],
        arguments=["--data", "{dataset}", "--model", "{model}", "--metrics", "{metrics}", "--epochs", epochs],
        dataset=scans.output,
        project="my-project",
        location="europe-west4",
        staging="gs://my-bucket/staging",
        machine="n1-standard-8",
        accelerator="NVIDIA_TESLA_T4",
        labels={"team": "research"},
    )
''',
    needs=("Vertex AI",),
    tags=("training", "google-cloud", "vertex-ai"),
    image=VERTEX_IMAGE,
    task_settings=(
        TaskSetting("RESOURCES"),
        TaskSetting("ENV", applies=True),
        TaskSetting("KUBERNETES_VOLUMES", applies=True),
    ),
)
