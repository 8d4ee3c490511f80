"""An example of the component preprocess_notebook."""

from pathlib import Path

from kfp import dsl
from kfp.components import load_component_from_file

COMPONENTS = Path(__file__).resolve().parents[2]


def load(folder: str):
    """A component of a folder beside this one."""
    return load_component_from_file(str(COMPONENTS / folder / "component.yaml"))


preprocess_notebook = load("preprocessing/preprocess_notebook")


@dsl.pipeline(name="preprocess-notebook-example")
def example(source: str = "s3://bucket/source"):
    """Packs the notebook train.ipynb of a folder, to run in full."""
    folder = dsl.importer(artifact_uri=source, artifact_class=dsl.Artifact)
    preprocess_notebook(notebook="train.ipynb", mode="full", source=folder.output)
