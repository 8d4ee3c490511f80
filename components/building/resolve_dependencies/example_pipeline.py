"""An example of the component resolve_dependencies."""

from pathlib import Path

from kfp import dsl, kubernetes
from kfp.components import load_component_from_file

COMPONENTS = Path(__file__).resolve().parents[2]


def load(folder: str):
    """A component of a folder beside this one."""
    return load_component_from_file(str(COMPONENTS / folder / "component.yaml"))


preprocess_script = load("preprocessing/preprocess_script")
resolve_dependencies = load("building/resolve_dependencies")
append_image = load("building/append_image")


@dsl.pipeline(name="resolve-dependencies-example")
def example(
    source: str = "s3://bucket/source",
    base_image: str = "python:3.12-slim",
    repository: str = "registry.example.com/team/train",
):
    """Builds an image of the script train.py and the packages in requirements.txt."""
    folder = dsl.importer(artifact_uri=source, artifact_class=dsl.Artifact)
    packed = preprocess_script(script="train.py", source=folder.output)
    resolved = resolve_dependencies(source=folder.output, base_image=base_image)
    kubernetes.use_secret_as_env(resolved, "package-index", {"url": "UV_DEFAULT_INDEX"}, optional=True)
    append_image(
        bundle=packed.outputs["bundle"],
        layers=resolved.outputs["layers"],
        base_image=base_image,
        repository=repository,
    )
