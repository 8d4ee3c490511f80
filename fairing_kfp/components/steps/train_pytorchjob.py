"""`train_pytorchjob`: a command of an image, run as a PyTorchJob of Kubeflow Training Operator."""

from __future__ import annotations

from functools import partial

from fairing_kfp.components.declaration import ReusableComponent
from fairing_kfp.components.train_command import ARTIFACTS, OUTPUTS, TASK_SETTINGS, job_inputs, run_job

TRAIN_PYTORCHJOB = ReusableComponent(
    name="train-pytorchjob",
    category="training",
    description="Runs a command of an image as a PyTorchJob of Kubeflow, and keeps its model and metrics.",
    details=(
        "The PyTorchJob (`kubeflow.org/v1`) has workers only. By default, torchrun of the image starts the command on "
        "each of them. "
        f"{ARTIFACTS} The step needs the role in `components/rbac/pytorchjob.yaml`."
    ),
    inputs=job_inputs("torch"),
    outputs=OUTPUTS,
    run=partial(run_job, "train-pytorchjob", "pytorchjob"),
    example='''\
train_pytorchjob = load("training/train_pytorchjob")


@dsl.pipeline(name="train-pytorchjob-example")
def example(
    image: str = "registry.example.com/team/train:1",
    data: str = "s3://bucket/data",
    epochs: int = 3,
):
    """Trains on two nodes that torchrun connects."""
    scans = dsl.importer(artifact_uri=data, artifact_class=dsl.Dataset)
    trained = train_pytorchjob(
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
    tags=("training", "kubernetes", "pytorch", "distributed"),
    task_settings=TASK_SETTINGS,
)
