"""An example of the component preprocess_script."""

from pathlib import Path

from kfp import dsl
from kfp.components import load_component_from_file

COMPONENTS = Path(__file__).resolve().parents[2]


def load(folder: str):
    """A component of a folder beside this one."""
    return load_component_from_file(str(COMPONENTS / folder / "component.yaml"))


preprocess_script = load("preprocessing/preprocess_script")


@dsl.pipeline(name="preprocess-script-example")
def example(source: str = "s3://bucket/source"):
    """Packs the script train.py of a folder."""
    folder = dsl.importer(artifact_uri=source, artifact_class=dsl.Artifact)
    preprocess_script(script="train.py", source=folder.output)
