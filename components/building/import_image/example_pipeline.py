"""An example of the component import_image."""

from pathlib import Path

from kfp import dsl, kubernetes
from kfp.components import load_component_from_file

COMPONENTS = Path(__file__).resolve().parents[2]


def load(folder: str):
    """A component of a folder beside this one."""
    return load_component_from_file(str(COMPONENTS / folder / "component.yaml"))


import_image = load("building/import_image")


@dsl.pipeline(name="import-image-example")
def example(image: str = "python:3.12-slim", repository: str = "registry.example.com/team/base"):
    """Copies a base image."""
    copied = import_image(image=image, repository=repository)
    kubernetes.use_secret_as_volume(copied, "registry", "/etc/registry")
    copied.set_env_variable("DOCKER_CONFIG", "/etc/registry")
