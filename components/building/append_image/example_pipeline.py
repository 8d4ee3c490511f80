"""An example of the component append_image."""

from pathlib import Path

from kfp import dsl, kubernetes
from kfp.components import load_component_from_file

COMPONENTS = Path(__file__).resolve().parents[2]


def load(folder: str):
    """A component of a folder beside this one."""
    return load_component_from_file(str(COMPONENTS / folder / "component.yaml"))


preprocess_script = load("preprocessing/preprocess_script")
append_image = load("building/append_image")


@dsl.container_component
def train(depth: int, model: dsl.Output[dsl.Model]):
    """Runs the script of the image that the task before it built."""
    return dsl.ContainerSpec(
        image="python:3.12-slim",  # replaced below
        command=["python3", "/opt/fairing/code/files/train.py"],
        args=["--depth", depth, "--model", model.path],
    )


@dsl.pipeline(name="append-image-example")
def example(
    source: str = "s3://bucket/source",
    base_image: str = "python:3.12-slim",
    repository: str = "registry.example.com/team/train",
):
    """Builds an image in the cluster, and runs the next task in it."""
    folder = dsl.importer(artifact_uri=source, artifact_class=dsl.Artifact)
    packed = preprocess_script(script="train.py", source=folder.output)
    built = append_image(bundle=packed.outputs["bundle"], base_image=base_image, repository=repository)
    kubernetes.use_secret_as_volume(built, "registry", "/etc/registry")
    built.set_env_variable("DOCKER_CONFIG", "/etc/registry")
    trained = train(depth=8)
    trained.set_container_image(built.outputs["image"])
