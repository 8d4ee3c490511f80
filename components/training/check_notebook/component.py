"""The component check-notebook, in kfp alone."""

from kfp import dsl

IMAGE = "fairing://compile-with-fairing-kfp/own/fairing-kfp"


@dsl.container_component
def check_notebook(
    report: dsl.Output[dsl.HTML],
    status: str = "",
):
    """Fails if a notebook failed, after the executed notebook and its report are kept.

    Args:
        status: The failure of a notebook; empty for none.

    Returns:
        report: What the step did, the result first.
    """
    return dsl.ContainerSpec(
        image=IMAGE,
        command=["python3", "-m", "fairing_kfp.components"],
        args=["check-notebook", "--executor_input", dsl.PIPELINE_TASK_EXECUTOR_INPUT_PLACEHOLDER],
    )
