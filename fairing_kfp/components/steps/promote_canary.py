"""`promote_canary`: a canary gets all requests."""

from __future__ import annotations

import time

from fairing_kfp.components.declaration import ReusableComponent, StepInputs, StepResult
from fairing_kfp.components.serving import (
    CHANGED,
    KSERVE,
    NAME,
    NAMESPACE,
    OURS,
    SAMPLE,
    TARGET,
    UNCACHED,
    changed_result,
    cluster_of,
    role,
    sample_of,
)
from fairing_kfp.serving.promote import promote_model
from fairing_kfp.serving.rollout import RolloutResult
from fairing_kfp.serving.served import find_served


def run(given: StepInputs) -> StepResult:
    """Gives all requests to a canary; without one, nothing is changed.

    Raises:
        ConfigError: an input is invalid, or a Deployment serves the model.
        MissingObjectError: nothing is served by that name.
        ForeignObjectError: the object is not ours.
        ServingError: the version does not become ready; the canary is restored.
    """
    sample = sample_of(given.values)
    model = find_served(cluster_of(given.values), given.values["name"], given.values["target"], given.log)
    began = time.monotonic()
    rolled_out = promote_model(model, sample) or RolloutResult(model.state, changed=False, previous=model.state)
    verdict = f"The canary of {model.name} is promoted: it gets all requests"
    return changed_result(given, model, rolled_out, verdict, time.monotonic() - began)


PROMOTE_CANARY = ReusableComponent(
    name="promote-canary",
    category="deployment",
    description="Gives all requests to the canary of a model that KServe serves, and waits until it serves them.",
    details=(
        "The version before it ends when the pods of the new one serve. If they do not become ready, or answer the "
        "sample request with an error, the canary is restored with its share, and the step fails with the cause. "
        "Without a canary, nothing is changed, as after a retry, or after the first version of a model. "
        f"{OURS}{UNCACHED}{role('kserve')}"
    ),
    inputs=(NAME, NAMESPACE, TARGET, *SAMPLE),
    outputs=CHANGED,
    run=run,
    example='''\
serve_kserve_model = load("deployment/serve_kserve_model")
predict = load("deployment/predict")
promote_canary = load("deployment/promote_canary")


@dsl.pipeline(name="promote-canary-example")
def example(storage: str = "s3://bucket/model", name: str = "digits"):
    """Serves a canary, asks it, and promotes it if it answers."""
    served = serve_kserve_model(name=name, model_format="sklearn", storage=storage, canary=10)
    served.set_caching_options(False)
    asked = predict(endpoint=served.outputs["new_endpoint"], model=name, instances=[[1.0, 2.0]])
    asked.set_caching_options(False)
    promote_canary(name=name).after(asked).set_caching_options(False)
''',
    needs=(KSERVE,),
    tags=("deployment", "serving", "canary"),
    cached=False,
)
