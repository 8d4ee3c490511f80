"""`serve_kserve_model`: a model and its format → an InferenceService whose runtime loads it."""

from __future__ import annotations

from fairing_kfp.components.declaration import Input, Output, ReusableComponent, StepInputs, StepResult
from fairing_kfp.components.serving import (
    CANARY,
    ENDPOINTS,
    KSERVE,
    METRICS,
    MODE,
    NAME,
    NAMESPACE,
    NEW_ENDPOINT,
    PODS,
    PREVIOUS,
    ROLLOUT,
    SAMPLE,
    UNCACHED,
    role,
    run_serve,
    serving_spec,
)
from fairing_kfp.errors import ConfigError
from fairing_kfp.serving.storage import storage_uri


def run(given: StepInputs) -> StepResult:
    """Serves a model by a runtime of KServe.

    Raises:
        ConfigError: not exactly one model is given, KServe cannot load its URI, or an input is invalid.
        FairingError: the model cannot be served. The previous version keeps serving.
    """
    storage, artifact = given.values["storage"], given.uris.get("model", "")
    if bool(storage) == bool(artifact):
        raise ConfigError("serve-kserve-model needs exactly one model", "set either the input model or storage")
    uri, model_format = storage_uri(storage or artifact), given.values["model_format"]
    return run_serve(given, serving_spec(given.values, target="kserve", model_format=model_format, storage=uri))


SERVE_KSERVE_MODEL = ReusableComponent(
    name="serve-kserve-model",
    category="deployment",
    description="Serves a model by a KServe runtime for its format, which loads it from storage.",
    details=(
        "The model is an artifact, or any URI that KServe loads: `s3://`, `gs://`, `hf://`, `https://`, `pvc://`, "
        "`oci://` (an image with the model in `/models`) and others; KFP's `minio://` becomes `s3://`. KServe reads "
        "credentials from a Secret of the pods' service account. With `canary`, the new version gets that percentage "
        "of the requests, and the version before it the rest, until promote-canary or rollback ends it; "
        "`new_endpoint` asks the canary alone. The first version gets all requests."
        f"{ROLLOUT}{UNCACHED}{role('kserve')}"
    ),
    inputs=(
        NAME,
        Input("model_format", "str", "Format of the model in KServe's terms, such as `sklearn` or `onnx`."),
        Input("model", "artifact", "Model to serve.", optional=True),
        Input("storage", "str", "URI of the model, instead of an artifact.", default=""),
        Input("runtime", "str", "Name of the runtime; KServe chooses one for the format if empty.", default=""),
        NAMESPACE,
        *PODS,
        MODE,
        CANARY,
        *SAMPLE,
    ),
    outputs=(
        *ENDPOINTS,
        NEW_ENDPOINT,
        Output("served_uri", "str", "URI of the model that is served."),
        PREVIOUS,
        METRICS,
    ),
    run=run,
    example='''\
serve_kserve_model = load("deployment/serve_kserve_model")


@dsl.pipeline(name="serve-kserve-model-example")
def example(model: str = "s3://bucket/model", name: str = "digits"):
    """Serves a model by KServe's runtime for scikit-learn."""
    artifact = dsl.importer(artifact_uri=model, artifact_class=dsl.Model)
    served = serve_kserve_model(
        name=name, model_format="sklearn", model=artifact.output, service_account="models", sample=[[1.0, 2.0]]
    )
    served.set_caching_options(False)
''',
    needs=(KSERVE,),
    tags=("deployment", "serving", "kserve"),
    cached=False,
)
