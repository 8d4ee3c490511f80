"""`train_tfjob`: a command of an image, run as a TFJob of Kubeflow Training Operator."""

from __future__ import annotations

from functools import partial

from fairing_kfp.components.declaration import ReusableComponent
from fairing_kfp.components.train_command import ARTIFACTS, OUTPUTS, TASK_SETTINGS, job_inputs, run_job

TRAIN_TFJOB = ReusableComponent(
    name="train-tfjob",
    category="training",
    description="Runs a command of an image as a TFJob of Kubeflow, and keeps its model and metrics.",
    details=(
        "The TFJob (`kubeflow.org/v1`) has workers only, which find each other by `TF_CONFIG`. "
        f"{ARTIFACTS} The step needs the role in `components/rbac/tfjob.yaml`."
    ),
    inputs=job_inputs("tensorflow"),
    outputs=OUTPUTS,
    run=partial(run_job, "train-tfjob", "tfjob"),
    example='''\
train_tfjob = load("training/train_tfjob")


@dsl.pipeline(name="train-tfjob-example")
def example(
    image: str = "registry.example.com/team/train:1",
    data: str = "s3://bucket/data",
    epochs: int = 3,
):
    """Trains on two nodes that TF_CONFIG connects."""
    scans = dsl.importer(artifact_uri=data, artifact_class=dsl.Dataset)
    trained = train_tfjob(
        image=image,
        command=["python3", "train.py"],
        arguments=["--data", "{dataset}", "--model", "{model}", "--metrics", "{metrics}", "--epochs", epochs],
        dataset=scans.output,
        nodes=2,
        gpus=1,
    )
    trained.set_env_variable("OMP_NUM_THREADS", "2")
''',
    needs=("Kubeflow Training Operator",),
    tags=("training", "kubernetes", "tensorflow", "distributed"),
    task_settings=TASK_SETTINGS,
)
