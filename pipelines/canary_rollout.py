"""Serves a new version of a model as a canary, asks it, and promotes it, or rolls back to the version before it.

fairing-kfp submit pipelines/canary_rollout.py -p storage=s3://models/curve/2 -p 'instances=[[1.0]]' -p 'expected=[0.0]'
"""

from kfp import dsl

from fairing_kfp.components import predict, promote_canary, rollback, serve_kserve_model


@dsl.pipeline(name="canary-rollout", description="Serves a canary, asks it, and promotes it or rolls back.")
def canary_rollout(
    storage: str,
    instances: list,
    expected: list,
    tolerance: float = 0.0,
    name: str = "curve",
    model_format: str = "sklearn",
    share: int = 10,
):
    """The new version gets a share of the requests while it is asked; the version before it serves the rest."""
    served = serve_kserve_model(name=name, model_format=model_format, storage=storage, canary=share)
    asked = predict(
        endpoint=served.outputs["new_endpoint"],
        model=name,
        instances=instances,
        expected=expected,
        tolerance=tolerance,
        required=False,  # a wrong answer ends the canary, not the run
    )
    with dsl.If(asked.outputs["outcome"] == "passed"):
        promote_canary(name=name, sample=instances)
    with dsl.Else():
        rollback(name=name)
