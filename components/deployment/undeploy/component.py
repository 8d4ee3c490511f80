"""The component undeploy, in kfp alone."""

from kfp import dsl

IMAGE = "fairing://compile-with-fairing-kfp/own/fairing-kfp"


@dsl.container_component
def undeploy(
    name: str,
    deleted: dsl.OutputPath(list),
    report: dsl.Output[dsl.HTML],
    namespace: str = "",
    target: str = "",
    missing_ok: bool = False,
):
    """Deletes all objects that serve a model, and waits until its pods have ended.

    Args:
        name: Name of the model, in URLs and in Kubernetes.
        namespace: Namespace of the model; that of the run by default.
        target: `deployment` or `kserve`; needed only if both serve that name.
        missing_ok: Whether the step succeeds if nothing is served by that name.

    Returns:
        deleted: Kinds and names of the deleted objects.
        report: What the step did, the result first.
    """
    return dsl.ContainerSpec(
        image=IMAGE,
        command=["python3", "-m", "fairing_kfp.components"],
        args=["undeploy", "--executor_input", dsl.PIPELINE_TASK_EXECUTOR_INPUT_PLACEHOLDER],
    )
