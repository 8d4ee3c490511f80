"""`serve_kserve`: an image with a server, with or without a model → an InferenceService."""

from __future__ import annotations

from fairing_kfp.components.declaration import Output, ReusableComponent, StepInputs, StepResult
from fairing_kfp.components.registries import CREDENTIALS, MOUNT_LOGIN, SERVICE
from fairing_kfp.components.serving import (
    CANARY,
    ENDPOINTS,
    IMAGE,
    KSERVE,
    METRICS,
    MODE,
    MODEL,
    NAME,
    NAMESPACE,
    NEW_ENDPOINT,
    PODS,
    PREVIOUS,
    REGISTRY,
    REPOSITORY,
    ROLLOUT,
    SAMPLE,
    UNCACHED,
    role,
    run_serve,
    serving_spec,
)


def run(given: StepInputs) -> StepResult:
    """Serves an image by an InferenceService.

    Raises:
        ConfigError: an input is invalid.
        FairingError: the image cannot be served. The previous version keeps serving.
    """
    return run_serve(given, serving_spec(given.values, target="kserve"))


SERVE_KSERVE = ReusableComponent(
    name="serve-kserve",
    category="deployment",
    description="Serves an image by an InferenceService of KServe, and waits until the new version gets its requests.",
    details=(
        "The server listens on port 8080 and answers `/v2/health/ready` and `/v2/health/live`. A model is added to the "
        "image as layers, without Docker, and the digest stands for both. In `Knative` mode, `canary` gives the new "
        "version a share of the requests; in `Standard` mode, KServe has canaries only for models that it loads "
        f"itself, as serve-kserve-model makes them.{ROLLOUT}{UNCACHED}{CREDENTIALS} {role('kserve')}"
    ),
    inputs=(NAME, IMAGE, MODEL, REPOSITORY, NAMESPACE, *PODS, MODE, CANARY, *SAMPLE, *REGISTRY),
    outputs=(
        *ENDPOINTS,
        NEW_ENDPOINT,
        Output("served_image", "str", "Image that is served, by digest."),
        PREVIOUS,
        METRICS,
    ),
    run=run,
    example=f'''\
serve_kserve = load("deployment/serve_kserve")
predict = load("deployment/predict")


@dsl.pipeline(name="serve-kserve-example")
def example(image: str = "registry.example.com/team/server:1", name: str = "digits"):
    """Serves an image by KServe, and asks it."""
    served = serve_kserve(name=name, image=image, replicas=2, memory="1Gi")
{MOUNT_LOGIN.format(task="served")}\
    served.set_caching_options(False)
    asked = predict(endpoint=served.outputs["endpoint"], instances=[[1.0, 2.0]])
    asked.set_caching_options(False)
''',
    needs=(KSERVE, SERVICE),
    tags=("deployment", "serving", "kserve"),
    cached=False,
)
