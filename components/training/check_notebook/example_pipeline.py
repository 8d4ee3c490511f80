"""An example of the component check_notebook."""

from pathlib import Path

from kfp import dsl
from kfp.components import load_component_from_file

COMPONENTS = Path(__file__).resolve().parents[2]


def load(folder: str):
    """A component of a folder beside this one."""
    return load_component_from_file(str(COMPONENTS / folder / "component.yaml"))


run_notebook = load("training/run_notebook")
check_notebook = load("training/check_notebook")


@dsl.pipeline(name="check-notebook-example")
def example(image: str = "registry.example.com/team/jupyter:1", source: str = "s3://bucket/source"):
    """Runs a notebook, and fails after its artifacts are kept if a cell failed."""
    folder = dsl.importer(artifact_uri=source, artifact_class=dsl.Artifact)
    ran = run_notebook(notebook="train.ipynb", source=folder.output, image=image)
    check_notebook(status=ran.outputs["status"])
