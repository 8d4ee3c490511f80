"""Two scripts as a pipeline. They know nothing of it, and stay as they are.

fairing-kfp run samples/script/pipeline.py -p steps=3000
"""

from kfp import dsl

from fairing_kfp import fairing_component

# The script's steps, rate and quiet are read from its text; what it writes is for us to say.
train = fairing_component.from_script(
    "train.py",
    include=["hours.csv"],
    arguments={"scores": "hours.csv", "--model": dsl.Output[dsl.Model], "--error": dsl.OutputPath(float)},
)

# This one reads sys.argv by hand.
judge = fairing_component.from_script(
    "judge.py", include=["hours.csv"], arguments={"model": dsl.Input[dsl.Model], "limit": 0.5}
)


@dsl.pipeline(name="line", description="Learns how scores follow from hours of study.")
def line(steps: int = 2000, limit: float = 0.1) -> float:
    trained = train(steps=steps, quiet=False)
    judge(model=trained.outputs["model"], limit=limit)
    return trained.outputs["error"]
