"""An example of the component promote_canary."""

from pathlib import Path

from kfp import dsl
from kfp.components import load_component_from_file

COMPONENTS = Path(__file__).resolve().parents[2]


def load(folder: str):
    """A component of a folder beside this one."""
    return load_component_from_file(str(COMPONENTS / folder / "component.yaml"))


serve_kserve_model = load("deployment/serve_kserve_model")
predict = load("deployment/predict")
promote_canary = load("deployment/promote_canary")


@dsl.pipeline(name="promote-canary-example")
def example(storage: str = "s3://bucket/model", name: str = "digits"):
    """Serves a canary, asks it, and promotes it if it answers."""
    served = serve_kserve_model(name=name, model_format="sklearn", storage=storage, canary=10)
    served.set_caching_options(False)
    asked = predict(endpoint=served.outputs["new_endpoint"], model=name, instances=[[1.0, 2.0]])
    asked.set_caching_options(False)
    promote_canary(name=name).after(asked).set_caching_options(False)
