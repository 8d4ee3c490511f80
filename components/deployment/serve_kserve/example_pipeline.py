"""An example of the component serve_kserve."""

from pathlib import Path

from kfp import dsl, kubernetes
from kfp.components import load_component_from_file

COMPONENTS = Path(__file__).resolve().parents[2]


def load(folder: str):
    """A component of a folder beside this one."""
    return load_component_from_file(str(COMPONENTS / folder / "component.yaml"))


serve_kserve = load("deployment/serve_kserve")
predict = load("deployment/predict")


@dsl.pipeline(name="serve-kserve-example")
def example(image: str = "registry.example.com/team/server:1", name: str = "digits"):
    """Serves an image by KServe, and asks it."""
    served = serve_kserve(name=name, image=image, replicas=2, memory="1Gi")
    kubernetes.use_secret_as_volume(served, "registry", "/etc/registry")
    served.set_env_variable("DOCKER_CONFIG", "/etc/registry")
    served.set_caching_options(False)
    asked = predict(endpoint=served.outputs["endpoint"], instances=[[1.0, 2.0]])
    asked.set_caching_options(False)
