"""An example of the component build_dockerfile."""

from pathlib import Path

from kfp import dsl
from kfp.components import load_component_from_file

COMPONENTS = Path(__file__).resolve().parents[2]


def load(folder: str):
    """A component of a folder beside this one."""
    return load_component_from_file(str(COMPONENTS / folder / "component.yaml"))


build_dockerfile = load("building/build_dockerfile")


@dsl.container_component
def train(depth: int):
    """Runs the image that the task before it built."""
    return dsl.ContainerSpec(
        image="python:3.12-slim",  # replaced below
        command=["python3", "/app/train.py"],
        args=["--depth", depth],
    )


@dsl.pipeline(name="build-dockerfile-example")
def example(context: str = "s3://bucket/source", repository: str = "registry.example.com/team/train"):
    """Builds an image of a Dockerfile, and runs the next task in it."""
    folder = dsl.importer(artifact_uri=context, artifact_class=dsl.Artifact)
    built = build_dockerfile(context=folder.output, repository=repository, registry_secret="registry")
    trained = train(depth=8)
    trained.set_container_image(built.outputs["image"])
