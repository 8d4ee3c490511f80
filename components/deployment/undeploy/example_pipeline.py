"""An example of the component undeploy."""

from pathlib import Path

from kfp import dsl
from kfp.components import load_component_from_file

COMPONENTS = Path(__file__).resolve().parents[2]


def load(folder: str):
    """A component of a folder beside this one."""
    return load_component_from_file(str(COMPONENTS / folder / "component.yaml"))


undeploy = load("deployment/undeploy")


@dsl.pipeline(name="undeploy-example")
def example(name: str = "digits"):
    """Deletes what serves a model, if anything does."""
    undeploy(name=name, missing_ok=True).set_caching_options(False)
