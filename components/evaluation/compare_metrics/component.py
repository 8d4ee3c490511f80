"""The component compare-metrics, in kfp alone."""

from typing import Optional

from kfp import dsl

IMAGE = "fairing://compile-with-fairing-kfp/own/fairing-kfp"


@dsl.container_component
def compare_metrics(
    candidate: dsl.Input[dsl.Metrics],
    metric: str,
    passed: dsl.OutputPath(bool),
    comparison: dsl.Output[dsl.Metrics],
    report: dsl.Output[dsl.HTML],
    current: Optional[dsl.Input[dsl.Metrics]] = None,
    higher_is_better: bool = True,
    margin: float = 0.0,
):
    """Decides by a metric whether a new model is better than the current one.

    Args:
        candidate: Metrics of the new model.
        metric: Name of the metric, such as `accuracy`.
        current: Metrics of the current model, by the same data.
        higher_is_better: Whether a higher value is better.
        margin: By how much more than this the new model must be better.

    Returns:
        passed: Whether the new model is better.
        comparison: Both values, and the gain.
        report: What the step did, the result first.
    """
    return dsl.ContainerSpec(
        image=IMAGE,
        command=["python3", "-m", "fairing_kfp.components"],
        args=["compare-metrics", "--executor_input", dsl.PIPELINE_TASK_EXECUTOR_INPUT_PLACEHOLDER],
    )
