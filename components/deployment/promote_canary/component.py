"""The component promote-canary, in kfp alone."""

from kfp import dsl

IMAGE = "fairing://compile-with-fairing-kfp/own/fairing-kfp"


@dsl.container_component
def promote_canary(
    name: str,
    endpoint: dsl.OutputPath(str),
    served: dsl.OutputPath(str),
    metrics: dsl.Output[dsl.Metrics],
    report: dsl.Output[dsl.HTML],
    namespace: str = "",
    target: str = "",
    sample: list = [],
    sample_request: dict = {},
):
    """Gives all requests to the canary of a model that KServe serves, and waits until it serves them.

    Args:
        name: Name of the model, in URLs and in Kubernetes.
        namespace: Namespace of the model; that of the run by default.
        target: `deployment` or `kserve`; needed only if both serve that name.
        sample: Instances of a request that is sent once the model is ready.
        sample_request: A whole request instead, such as `{"inputs": […]}`.

    Returns:
        endpoint: URL within the cluster.
        served: Image by digest, or URI of the model, that gets all requests.
        metrics: Duration in seconds.
        report: What the step did, the result first.
    """
    return dsl.ContainerSpec(
        image=IMAGE,
        command=["python3", "-m", "fairing_kfp.components"],
        args=["promote-canary", "--executor_input", dsl.PIPELINE_TASK_EXECUTOR_INPUT_PLACEHOLDER],
    )
