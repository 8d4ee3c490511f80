"""An example of the component train_vertex."""

from pathlib import Path

from kfp import dsl
from kfp.components import load_component_from_file

COMPONENTS = Path(__file__).resolve().parents[2]


def load(folder: str):
    """A component of a folder beside this one."""
    return load_component_from_file(str(COMPONENTS / folder / "component.yaml"))


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
