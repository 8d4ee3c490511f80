"""An example of the component serve_deployment."""

from pathlib import Path

from kfp import dsl, kubernetes
from kfp.components import load_component_from_file

COMPONENTS = Path(__file__).resolve().parents[2]


def load(folder: str):
    """A component of a folder beside this one."""
    return load_component_from_file(str(COMPONENTS / folder / "component.yaml"))


serve_deployment = load("deployment/serve_deployment")
predict = load("deployment/predict")


@dsl.pipeline(name="serve-deployment-example")
def example(image: str = "registry.example.com/team/server:1", model: str = "s3://bucket/model", name: str = "digits"):
    """Serves an image with a model, and asks it."""
    artifact = dsl.importer(artifact_uri=model, artifact_class=dsl.Model)
    served = serve_deployment(name=name, image=image, model=artifact.output, replicas=2, memory="1Gi")
    kubernetes.use_secret_as_volume(served, "registry", "/etc/registry")
    served.set_env_variable("DOCKER_CONFIG", "/etc/registry")
    served.set_caching_options(False)
    asked = predict(endpoint=served.outputs["endpoint"], instances=[[1.0, 2.0]])
    asked.set_caching_options(False)
