"""An example of the component predict."""

from pathlib import Path

from kfp import dsl
from kfp.components import load_component_from_file

COMPONENTS = Path(__file__).resolve().parents[2]


def load(folder: str):
    """A component of a folder beside this one."""
    return load_component_from_file(str(COMPONENTS / folder / "component.yaml"))


predict = load("deployment/predict")


@dsl.pipeline(name="predict-example")
def example(endpoint: str = "http://digits.models.svc"):
    """Asks an endpoint, and fails unless it answers as expected."""
    asked = predict(
        endpoint=endpoint, instances=[[1.0, 2.0], [3.0, 4.0]], expected=[3.0, 7.0], tolerance=0.01, shape=[-1]
    )
    asked.set_caching_options(False)
