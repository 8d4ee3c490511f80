"""`rollback`: an earlier version of a model gets all requests again."""

from __future__ import annotations

import time

from fairing_kfp.components.declaration import Input, ReusableComponent, StepInputs, StepResult
from fairing_kfp.components.serving import (
    CHANGED,
    EITHER,
    KUBERNETES,
    NAME,
    NAMESPACE,
    OURS,
    TARGET,
    UNCACHED,
    changed_result,
    cluster_of,
)
from fairing_kfp.serving.rollback import roll_back
from fairing_kfp.serving.served import find_served


def run(given: StepInputs) -> StepResult:
    """Rolls a model back.

    Raises:
        ConfigError: an input is invalid, or there is neither a version nor a canary.
        MissingObjectError: nothing is served by that name.
        ForeignObjectError: the object is not ours.
        ServingError: the version does not become ready; the current one keeps serving.
    """
    model = find_served(cluster_of(given.values), given.values["name"], given.values["target"], given.log)
    began = time.monotonic()
    rolled_out = roll_back(model, given.values["previous"])
    verdict = f"{model.name} is rolled back to {model.content(rolled_out.state)}"
    return changed_result(given, model, rolled_out, verdict, time.monotonic() - began)


ROLLBACK = ReusableComponent(
    name="rollback",
    category="deployment",
    description="Rolls a served model back to an earlier version, or ends its canary, and waits until it is ready.",
    details=(
        "The version is an image by digest, or the URI of a model that KServe loads, such as the output `previous` of "
        "the components that serve; it then gets all requests. Without it, a canary in KServe's Standard mode ends. "
        "Everything else stays as it is: replicas, environment, Service. A version that does not become ready fails "
        f"the step with the cause, and the current one keeps serving. {OURS}{UNCACHED}{EITHER}"
    ),
    inputs=(
        NAME,
        Input("previous", "str", "Image by digest or URI to serve again; ends a canary if empty.", default=""),
        NAMESPACE,
        TARGET,
    ),
    outputs=CHANGED,
    run=run,
    example='''\
serve_deployment = load("deployment/serve_deployment")
predict = load("deployment/predict")
rollback = load("deployment/rollback")


@dsl.pipeline(name="rollback-example")
def example(image: str = "registry.example.com/team/server:2", name: str = "digits"):
    """Serves a new version, and rolls back if it does not answer as expected."""
    served = serve_deployment(name=name, image=image)
    served.set_caching_options(False)
    asked = predict(
        endpoint=served.outputs["endpoint"], instances=[[1.0, 2.0]], expected=[3.0], tolerance=0.1, required=False
    )
    asked.set_caching_options(False)
    with dsl.If(asked.outputs["outcome"] == "failed"):
        rollback(name=name, previous=served.outputs["previous"]).set_caching_options(False)
''',
    needs=(KUBERNETES,),
    tags=("deployment", "serving", "rollback"),
    cached=False,
)
