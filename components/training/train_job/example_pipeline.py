"""An example of the component train_job."""

from pathlib import Path

from kfp import dsl
from kfp.components import load_component_from_file

COMPONENTS = Path(__file__).resolve().parents[2]


def load(folder: str):
    """A component of a folder beside this one."""
    return load_component_from_file(str(COMPONENTS / folder / "component.yaml"))


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
