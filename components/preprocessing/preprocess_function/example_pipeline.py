"""An example of the component preprocess_function."""

from pathlib import Path

from kfp import dsl
from kfp.components import load_component_from_file

COMPONENTS = Path(__file__).resolve().parents[2]


def load(folder: str):
    """A component of a folder beside this one."""
    return load_component_from_file(str(COMPONENTS / folder / "component.yaml"))


preprocess_function = load("preprocessing/preprocess_function")


@dsl.pipeline(name="preprocess-function-example")
def example(source: str = "s3://bucket/source"):
    """Packs the function train of the file model.py of a folder."""
    folder = dsl.importer(artifact_uri=source, artifact_class=dsl.Artifact)
    preprocess_function(function="model:train", source=folder.output)
