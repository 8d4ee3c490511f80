"""`train_trainjob`: a command of an image, run as a TrainJob of Kubeflow Trainer."""

from __future__ import annotations

from functools import partial

from fairing_kfp.components.declaration import Input, ReusableComponent
from fairing_kfp.components.train_command import ARTIFACTS, OUTPUTS, TASK_SETTINGS, job_inputs, run_job
from fairing_kfp.train.kinds.trainjob import DEFAULT_RUNTIME

TRAIN_TRAINJOB = ReusableComponent(
    name="train-trainjob",
    category="training",
    description="Runs a command of an image as a TrainJob of Kubeflow Trainer, and keeps its model and metrics.",
    details=(
        "The TrainJob (`trainer.kubeflow.org`) takes its pods from a runtime that the cluster has, and overrides their "
        "image, command, resources and settings. "
        f"{ARTIFACTS} The step needs the role in `components/rbac/trainjob.yaml`."
    ),
    inputs=job_inputs(
        "",
        Input(
            "runtime",
            "str",
            "Name of a ClusterTrainingRuntime, or `TrainingRuntime/NAME` for one in the namespace.",
            default=DEFAULT_RUNTIME,
        ),
    ),
    outputs=OUTPUTS,
    run=partial(run_job, "train-trainjob", "trainjob"),
    example='''\
train_trainjob = load("training/train_trainjob")


@dsl.pipeline(name="train-trainjob-example")
def example(
    image: str = "registry.example.com/team/train:1",
    data: str = "s3://bucket/data",
    epochs: int = 3,
):
    """Trains on two nodes that torchrun connects."""
    scans = dsl.importer(artifact_uri=data, artifact_class=dsl.Dataset)
    trained = train_trainjob(
        image=image,
        command=["python3", "train.py"],
        arguments=["--data", "{dataset}", "--model", "{model}", "--metrics", "{metrics}", "--epochs", epochs],
        dataset=scans.output,
        nodes=2,
        framework="torch",
        gpus=1,
    )
    trained.set_env_variable("OMP_NUM_THREADS", "2")
''',
    needs=("Kubeflow Trainer",),
    tags=("training", "kubernetes", "trainjob", "distributed"),
    task_settings=TASK_SETTINGS,
)
