"""An example of the component rollback."""

from pathlib import Path

from kfp import dsl
from kfp.components import load_component_from_file

COMPONENTS = Path(__file__).resolve().parents[2]


def load(folder: str):
    """A component of a folder beside this one."""
    return load_component_from_file(str(COMPONENTS / folder / "component.yaml"))


serve_deployment = load("deployment/serve_deployment")
predict = load("deployment/predict")
rollback = load("deployment/rollback")


@dsl.pipeline(name="rollback-example")
def example(image: str = "registry.example.com/team/server:2", name: str = "digits"):
    """Serves a new version, and rolls back if it does not answer as expected."""
    served = serve_deployment(name=name, image=image)
    served.set_caching_options(False)
    asked = predict(
        endpoint=served.outputs["endpoint"], instances=[[1.0, 2.0]], expected=[3.0], tolerance=0.1, required=False
    )
    asked.set_caching_options(False)
    with dsl.If(asked.outputs["outcome"] == "failed"):
        rollback(name=name, previous=served.outputs["previous"]).set_caching_options(False)
