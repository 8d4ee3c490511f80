"""The component rollback, in kfp alone."""

from kfp import dsl

IMAGE = "fairing://compile-with-fairing-kfp/own/fairing-kfp"


@dsl.container_component
def rollback(
    name: str,
    endpoint: dsl.OutputPath(str),
    served: dsl.OutputPath(str),
    metrics: dsl.Output[dsl.Metrics],
    report: dsl.Output[dsl.HTML],
    previous: str = "",
    namespace: str = "",
    target: str = "",
):
    """Rolls a served model back to an earlier version, or ends its canary, and waits until it is ready.

    Args:
        name: Name of the model, in URLs and in Kubernetes.
        previous: Image by digest or URI to serve again; ends a canary if empty.
        namespace: Namespace of the model; that of the run by default.
        target: `deployment` or `kserve`; needed only if both serve that name.

    Returns:
        endpoint: URL within the cluster.
        served: Image by digest, or URI of the model, that gets all requests.
        metrics: Duration in seconds.
        report: What the step did, the result first.
    """
    return dsl.ContainerSpec(
        image=IMAGE,
        command=["python3", "-m", "fairing_kfp.components"],
        args=["rollback", "--executor_input", dsl.PIPELINE_TASK_EXECUTOR_INPUT_PLACEHOLDER],
    )
