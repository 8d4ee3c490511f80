"""`compare_metrics`: the metrics of a new model against those of the current one → whether the new one is better."""

from __future__ import annotations

import math

from fairing_kfp.components.declaration import Input, Output, ReusableComponent, StepInputs, StepResult
from fairing_kfp.errors import ConfigError

_NAME = "compare-metrics"


def run(given: StepInputs) -> StepResult:
    """Compares one metric.

    Raises:
        ConfigError: the metric is missing or no number, or the margin is negative.
    """
    metric, margin = given.values["metric"], given.values["margin"]
    if not 0 <= margin < math.inf:
        raise ConfigError(f"{_NAME}: the input margin is {margin}", "use 0 or a positive number")
    candidate = _value(given, "candidate", metric)
    scalars = {"candidate": candidate}
    if "current" in given.metadata:
        current = _value(given, "current", metric)
        gain = candidate - current if given.values["higher_is_better"] else current - candidate
        passed = gain > margin
        scalars |= {"current": current, "gain": gain}
        verdict = (
            f"{'passed' if passed else 'not passed'}: {metric} is {candidate:g}, and {current:g} of the current model"
        )
    else:
        passed, verdict = True, f"passed: {metric} is {candidate:g}, and there is no current model"
    better = "higher" if given.values["higher_is_better"] else "lower"
    rows = (*((name, f"{value:g}") for name, value in scalars.items()), ("better", better), ("margin", f"{margin:g}"))
    return StepResult(verdict, rows, {"passed": passed}, {"comparison": scalars})


def _value(given: StepInputs, model: str, metric: str) -> float:
    scalars = given.metadata[model]
    value = scalars.get(metric)
    if not isinstance(value, (int, float)) or isinstance(value, bool) or math.isnan(value):
        found = f"is {value!r}, not a number" if metric in scalars else "is missing"
        raise ConfigError(
            f"{_NAME}: the metric {metric!r} of the input {model} {found}",
            f"use one of {', '.join(sorted(scalars))}" if scalars else "let the task before it write metrics",
        )
    return float(value)


COMPARE_METRICS = ReusableComponent(
    name=_NAME,
    category="evaluation",
    description="Decides by a metric whether a new model is better than the current one.",
    details=(
        "The output `passed` is the condition of the tasks that deploy the new model, as in the example pipeline. The "
        "new model passes if it is better by more than `margin`, or if there is no current model. The metrics of both "
        "are artifacts of the type Metrics, such as the output of a train component."
    ),
    inputs=(
        Input("candidate", "metrics", "Metrics of the new model."),
        Input("metric", "str", "Name of the metric, such as `accuracy`."),
        Input("current", "metrics", "Metrics of the current model, by the same data.", optional=True),
        Input("higher_is_better", "bool", "Whether a higher value is better.", default=True),
        Input("margin", "float", "By how much more than this the new model must be better.", default=0.0),
    ),
    outputs=(
        Output("passed", "bool", "Whether the new model is better."),
        Output("comparison", "metrics", "Both values, and the gain."),
    ),
    run=run,
    example='''\
train_job = load("training/train_job")
compare_metrics = load("evaluation/compare_metrics")


@dsl.container_component
def promote(model: dsl.Input[dsl.Model]):
    """Promotes the new model."""
    return dsl.ContainerSpec(image="alpine:3", command=["cp", "-r", model.path, "/models"])


@dsl.pipeline(name="compare-metrics-example")
def example(image: str = "registry.example.com/team/train:1", current: str = "s3://bucket/models/current"):
    """Trains a model, and promotes it if it is better than the current one by the same data."""
    arguments = ["--model", "{model}", "--metrics", "{metrics}"]
    trained = train_job(image=image, command=["python3", "train.py"], arguments=arguments)
    production = dsl.importer(artifact_uri=current, artifact_class=dsl.Model)
    measured = train_job(
        image=image,
        command=["python3", "measure.py", "{dataset}", "{metrics}"],
        dataset=production.output,
    )
    compared = compare_metrics(
        candidate=trained.outputs["metrics"], current=measured.outputs["metrics"], metric="accuracy", margin=0.01
    )
    with dsl.If(compared.outputs["passed"] == True):  # noqa: E712 - a condition of KFP
        promote(model=trained.outputs["model"])
''',
    tags=("evaluation", "metrics", "gate"),
)
