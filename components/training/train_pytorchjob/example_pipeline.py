"""An example of the component train_pytorchjob."""

from pathlib import Path

from kfp import dsl
from kfp.components import load_component_from_file

COMPONENTS = Path(__file__).resolve().parents[2]


def load(folder: str):
    """A component of a folder beside this one."""
    return load_component_from_file(str(COMPONENTS / folder / "component.yaml"))


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
