"""An example of the component compare_metrics."""

from pathlib import Path

from kfp import dsl
from kfp.components import load_component_from_file

COMPONENTS = Path(__file__).resolve().parents[2]


def load(folder: str):
    """A component of a folder beside this one."""
    return load_component_from_file(str(COMPONENTS / folder / "component.yaml"))


train_job = load("training/train_job")
compare_metrics = load("evaluation/compare_metrics")


@dsl.container_component
def promote(model: dsl.Input[dsl.Model]):
    """Promotes the new model."""
    return dsl.ContainerSpec(image="alpine:3", command=["cp", "-r", model.path, "/models"])


@dsl.pipeline(name="compare-metrics-example")
def example(image: str = "registry.example.com/team/train:1", current: str = "s3://bucket/models/current"):
    """Trains a model, and promotes it if it is better than the current one by the same data."""
    arguments = ["--model", "{model}", "--metrics", "{metrics}"]
    trained = train_job(image=image, command=["python3", "train.py"], arguments=arguments)
    production = dsl.importer(artifact_uri=current, artifact_class=dsl.Model)
    measured = train_job(
        image=image,
        command=["python3", "measure.py", "{dataset}", "{metrics}"],
        dataset=production.output,
    )
    compared = compare_metrics(
        candidate=trained.outputs["metrics"], current=measured.outputs["metrics"], metric="accuracy", margin=0.01
    )
    with dsl.If(compared.outputs["passed"] == True):  # noqa: E712 - a condition of KFP
        promote(model=trained.outputs["model"])
