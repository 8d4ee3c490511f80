"""The component predict, in kfp alone."""

from typing import Optional

from kfp import dsl

IMAGE = "fairing://compile-with-fairing-kfp/own/fairing-kfp"


@dsl.container_component
def predict(
    endpoint: str,
    outcome: dsl.OutputPath(str),
    predictions: dsl.Output[dsl.Dataset],
    metrics: dsl.Output[dsl.Metrics],
    report: dsl.Output[dsl.HTML],
    instances: list = [],
    request: dict = {},
    data: Optional[dsl.Input[dsl.Artifact]] = None,
    model: str = "",
    protocol: str = "auto",
    batch: int = 0,
    expected: list = [],
    tolerance: float = 0.0,
    shape: list = [],
    required: bool = True,
    host: str = "",
    timeout: float = 60.0,
):
    """Sends instances to an endpoint, checks the predictions, and measures how long they take.

    Args:
        endpoint: URL of the server, or of its model.
        instances: Instances to send.
        request: A whole request instead, such as `{"inputs": […]}`.
        data: JSON file with instances or a whole request, instead.
        model: Name of the model; needed if the server has several.
        protocol: `v1`, `v2` or `auto`.
        batch: Instances per request; 0 for all in one.
        expected: Expected predictions; not compared if empty.
        tolerance: Largest absolute difference of a number from the expected one.
        shape: Expected shape of the predictions, with -1 for any length.
        required: Whether an error or a wrong answer fails the step.
        host: Host name to send, for a gateway that routes by it.
        timeout: Time a request may take, in seconds.

    Returns:
        outcome: `passed` or `failed`.
        predictions: The predictions as JSON.
        metrics: Latencies in seconds, counts, and the largest difference from what is expected.
        report: What the step did, the result first.
    """
    return dsl.ContainerSpec(
        image=IMAGE,
        command=["python3", "-m", "fairing_kfp.components"],
        args=["predict", "--executor_input", dsl.PIPELINE_TASK_EXECUTOR_INPUT_PLACEHOLDER],
    )
