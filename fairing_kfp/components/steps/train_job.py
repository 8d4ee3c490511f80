"""`train_job`: a command of an image, run as a Job."""

from __future__ import annotations

from functools import partial

from fairing_kfp.components.declaration import ReusableComponent
from fairing_kfp.components.train_command import ARTIFACTS, OUTPUTS, TASK_SETTINGS, job_inputs, run_job

TRAIN_JOB = ReusableComponent(
    name="train-job",
    category="training",
    description="Runs a command of an image as a Kubernetes Job, and keeps its model and metrics.",
    details=(
        "The Job (`batch/v1`) has one pod for each node, and every cluster can run it. "
        f"{ARTIFACTS} The step needs the role in `components/rbac/job.yaml`."
    ),
    inputs=job_inputs(),
    outputs=OUTPUTS,
    run=partial(run_job, "train-job", "job"),
    example='''\
train_job = load("training/train_job")


@dsl.pipeline(name="train-job-example")
def example(
    image: str = "registry.example.com/team/train:1",
    data: str = "s3://bucket/data",
    epochs: int = 3,
):
    """Trains on one node."""
    scans = dsl.importer(artifact_uri=data, artifact_class=dsl.Dataset)
    trained = train_job(
        image=image,
        command=["python3", "train.py"],
        arguments=["--data", "{dataset}", "--model", "{model}", "--metrics", "{metrics}", "--epochs", epochs],
        dataset=scans.output,
        cpu="2",
        memory="4Gi",
    )
    trained.set_env_variable("OMP_NUM_THREADS", "2")
''',
    needs=("Kubernetes",),
    tags=("training", "kubernetes", "job"),
    task_settings=TASK_SETTINGS,
)
