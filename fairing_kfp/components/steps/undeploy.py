"""`undeploy`: a model is no longer served."""

from __future__ import annotations

from fairing_kfp.components.declaration import Input, Output, ReusableComponent, StepInputs, StepResult
from fairing_kfp.components.serving import EITHER, KUBERNETES, NAME, NAMESPACE, OURS, TARGET, UNCACHED, cluster_of
from fairing_kfp.errors import MissingObjectError
from fairing_kfp.serving.served import find_served
from fairing_kfp.serving.undeploy import delete_model


def run(given: StepInputs) -> StepResult:
    """Deletes the objects of a model.

    Raises:
        ConfigError: an input is invalid.
        MissingObjectError: nothing is served by that name, and `missing_ok` is not set.
        ForeignObjectError: an object of that name is not ours; nothing is deleted.
        DeadlineError: an object still exists minutes after its deletion.
    """
    name = given.values["name"]
    cluster = cluster_of(given.values)
    try:
        model = find_served(cluster, name, given.values["target"], given.log)
    except MissingObjectError as error:
        if not given.values["missing_ok"]:
            raise
        return StepResult(f"{error.message}; there is nothing to delete", (), {"deleted": []})
    deleted = delete_model(cluster, model, given.log)
    return StepResult(
        f"{name} is no longer served",
        (("deleted", ", ".join(deleted)), ("namespace", cluster.namespace), ("served", model.content(model.state))),
        {"deleted": list(deleted)},
    )


UNDEPLOY = ReusableComponent(
    name="undeploy",
    category="deployment",
    description="Deletes all objects that serve a model, and waits until its pods have ended.",
    details=(
        "Pending requests are answered first. All objects of the model are deleted: a Deployment with its Service, "
        "Ingress, HTTPRoute and autoscaler, or an InferenceService. Images and models in storage stay. "
        f"{OURS}{UNCACHED}{EITHER}"
    ),
    inputs=(
        NAME,
        NAMESPACE,
        TARGET,
        Input("missing_ok", "bool", "Whether the step succeeds if nothing is served by that name.", default=False),
    ),
    outputs=(Output("deleted", "list", "Kinds and names of the deleted objects."),),
    run=run,
    example='''\
undeploy = load("deployment/undeploy")


@dsl.pipeline(name="undeploy-example")
def example(name: str = "digits"):
    """Deletes what serves a model, if anything does."""
    undeploy(name=name, missing_ok=True).set_caching_options(False)
''',
    needs=(KUBERNETES,),
    tags=("deployment", "serving"),
    cached=False,
)
