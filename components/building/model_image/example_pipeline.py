"""An example of the component model_image."""

from pathlib import Path

from kfp import dsl, kubernetes
from kfp.components import load_component_from_file

COMPONENTS = Path(__file__).resolve().parents[2]


def load(folder: str):
    """A component of a folder beside this one."""
    return load_component_from_file(str(COMPONENTS / folder / "component.yaml"))


model_image = load("building/model_image")


@dsl.component(base_image="python:3.12-slim")
def count(model: dsl.Input[dsl.Model]) -> int:
    """Reads the files of the image."""
    from pathlib import Path

    return len(list(Path(model.path).iterdir()))


@dsl.pipeline(name="model-image-example")
def example(source: str = "s3://bucket/model", repository: str = "registry.example.com/team/models"):
    """Puts a model into an image, and mounts the image into the next task."""
    model = dsl.importer(artifact_uri=source, artifact_class=dsl.Model)
    packed = model_image(model=model.output, repository=repository)
    kubernetes.use_secret_as_volume(packed, "registry", "/etc/registry")
    packed.set_env_variable("DOCKER_CONFIG", "/etc/registry")
    mounted = dsl.importer(artifact_uri=packed.outputs["uri"], artifact_class=dsl.Model)
    count(model=mounted.output)
