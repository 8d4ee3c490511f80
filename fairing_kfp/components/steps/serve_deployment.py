"""`serve_deployment`: an image with a server, with or without a model → a Deployment and a Service."""

from __future__ import annotations

from fairing_kfp.components.declaration import Input, Output, ReusableComponent, StepInputs, StepResult
from fairing_kfp.components.registries import CREDENTIALS, MOUNT_LOGIN, SERVICE
from fairing_kfp.components.serving import (
    ENDPOINTS,
    IMAGE,
    KUBERNETES,
    METRICS,
    MODEL,
    NAME,
    NAMESPACE,
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
    """Serves an image by a Deployment.

    Raises:
        ConfigError: an input is invalid.
        FairingError: the image cannot be served. The previous version keeps serving.
    """
    return run_serve(given, serving_spec(given.values, target="deployment"))


SERVE_DEPLOYMENT = ReusableComponent(
    name="serve-deployment",
    category="deployment",
    description="Serves an image by a Deployment and a Service, and waits until the new version gets all requests.",
    details=(
        "The server listens on port 8080 and answers `/v2/health/ready` and `/v2/health/live`, as servers of KServe "
        "and of fairing-kfp do. A model is added to the image as layers, without Docker, and the digest stands for "
        "both. An Ingress is made with `host`, and an HTTPRoute with `host` and `gateway`. Pods conform to the "
        f"restricted Pod Security Standard.{ROLLOUT}{UNCACHED}{CREDENTIALS} {role('deployment')}"
    ),
    inputs=(
        NAME,
        IMAGE,
        MODEL,
        REPOSITORY,
        NAMESPACE,
        *PODS,
        Input("service", "str", "Type of the Service: `ClusterIP`, `NodePort` or `LoadBalancer`.", default="ClusterIP"),
        Input("host", "str", "Host name of an Ingress or HTTPRoute; neither if empty.", default=""),
        Input("ingress_class", "str", "Class of the Ingress; the cluster's default if empty.", default=""),
        Input("gateway", "str", "Gateway of an HTTPRoute, as `NAMESPACE/NAME`; an Ingress if empty.", default=""),
        *SAMPLE,
        *REGISTRY,
    ),
    outputs=(*ENDPOINTS, Output("served_image", "str", "Image that is served, by digest."), PREVIOUS, METRICS),
    run=run,
    example=f'''\
serve_deployment = load("deployment/serve_deployment")
predict = load("deployment/predict")


@dsl.pipeline(name="serve-deployment-example")
def example(image: str = "registry.example.com/team/server:1", model: str = "s3://bucket/model", name: str = "digits"):
    """Serves an image with a model, and asks it."""
    artifact = dsl.importer(artifact_uri=model, artifact_class=dsl.Model)
    served = serve_deployment(name=name, image=image, model=artifact.output, replicas=2, memory="1Gi")
{MOUNT_LOGIN.format(task="served")}\
    served.set_caching_options(False)
    asked = predict(endpoint=served.outputs["endpoint"], instances=[[1.0, 2.0]])
    asked.set_caching_options(False)
''',
    needs=(KUBERNETES, SERVICE),
    tags=("deployment", "serving", "inference"),
    cached=False,
)
