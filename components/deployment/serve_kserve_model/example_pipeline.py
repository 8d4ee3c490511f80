"""An example of the component serve_kserve_model."""

from pathlib import Path

from kfp import dsl
from kfp.components import load_component_from_file

COMPONENTS = Path(__file__).resolve().parents[2]


def load(folder: str):
    """A component of a folder beside this one."""
    return load_component_from_file(str(COMPONENTS / folder / "component.yaml"))


serve_kserve_model = load("deployment/serve_kserve_model")


@dsl.pipeline(name="serve-kserve-model-example")
def example(model: str = "s3://bucket/model", name: str = "digits"):
    """Serves a model by KServe's runtime for scikit-learn."""
    artifact = dsl.importer(artifact_uri=model, artifact_class=dsl.Model)
    served = serve_kserve_model(
        name=name, model_format="sklearn", model=artifact.output, service_account="models", sample=[[1.0, 2.0]]
    )
    served.set_caching_options(False)
