"""The component serve-deployment, in kfp alone."""

from typing import Optional

from kfp import dsl

IMAGE = "fairing://compile-with-fairing-kfp/own/fairing-kfp"


@dsl.container_component
def serve_deployment(
    name: str,
    image: str,
    endpoint: dsl.OutputPath(str),
    url: dsl.OutputPath(str),
    served_image: dsl.OutputPath(str),
    previous: dsl.OutputPath(str),
    metrics: dsl.Output[dsl.Metrics],
    report: dsl.Output[dsl.HTML],
    model: Optional[dsl.Input[dsl.Artifact]] = None,
    repository: str = "",
    namespace: str = "",
    replicas: int = 1,
    max_replicas: int = 0,
    cpu: str = "",
    memory: str = "",
    gpu: int = 0,
    env: dict = {},
    labels: dict = {},
    annotations: dict = {},
    service_account: str = "",
    load_within: int = 600,
    service: str = "ClusterIP",
    host: str = "",
    ingress_class: str = "",
    gateway: str = "",
    sample: list = [],
    sample_request: dict = {},
    registry_secret: str = "",
    insecure: list = [],
    ca: str = "",
):
    """Serves an image by a Deployment and a Service, and waits until the new version gets all requests.

    Args:
        name: Name of the model, in URLs and in Kubernetes.
        image: Image with a server on port 8080, such as the output of append-image.
        model: Model to add to the image, at the path `FAIRING_MODEL_PATH`.
        repository: Repository of the image with the model; the image's by default.
        namespace: Namespace of the model; that of the run by default.
        replicas: Number of pods.
        max_replicas: More than `replicas`, to scale up to that many pods with the CPU load.
        cpu: CPU that a pod requests, such as `500m`.
        memory: Memory that a pod requests, and its limit, such as `2Gi`.
        gpu: NVIDIA GPUs of a pod.
        env: Environment variables of the server, in plain text.
        labels: Labels of the objects and pods.
        annotations: Annotations of the objects and pods.
        service_account: Service account of the pods; the namespace's default if empty.
        load_within: Time a pod may take to load the model, in seconds.
        service: Type of the Service: `ClusterIP`, `NodePort` or `LoadBalancer`.
        host: Host name of an Ingress or HTTPRoute; neither if empty.
        ingress_class: Class of the Ingress; the cluster's default if empty.
        gateway: Gateway of an HTTPRoute, as `NAMESPACE/NAME`; an Ingress if empty.
        sample: Instances of a request that is sent once the model is ready.
        sample_request: A whole request instead, such as `{"inputs": […]}`.
        registry_secret: Secret with which the pods pull the image.
        insecure: Registries (`host` or `host:port`) reached over plain HTTP.
        ca: Certificates (PEM) to trust in addition to the system's.

    Returns:
        endpoint: URL within the cluster.
        url: URL from outside the cluster; empty if there is none.
        served_image: Image that is served, by digest.
        previous: What was served before, for the component rollback; empty if there was nothing.
        metrics: Durations in seconds, and the share of requests in percent.
        report: What the step did, the result first.
    """
    return dsl.ContainerSpec(
        image=IMAGE,
        command=["python3", "-m", "fairing_kfp.components"],
        args=["serve-deployment", "--executor_input", dsl.PIPELINE_TASK_EXECUTOR_INPUT_PLACEHOLDER],
    )
