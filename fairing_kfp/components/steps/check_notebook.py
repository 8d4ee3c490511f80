"""`check_notebook`: fails if a notebook failed, after KFP has kept what `run_notebook` made."""

from __future__ import annotations

from fairing_kfp.components.declaration import Input, ReusableComponent, StepInputs, StepResult
from fairing_kfp.errors import JobFailedError


def run(given: StepInputs) -> StepResult:
    """Fails if there is a failure.

    Raises:
        JobFailedError: the notebook failed.
    """
    if given.values["status"]:
        raise JobFailedError(
            f"the notebook failed: {given.values['status']}", "see the artifacts of the task that ran it"
        )
    return StepResult("all cells ran", (), {})


CHECK_NOTEBOOK = ReusableComponent(
    name="check-notebook",
    category="training",
    description="Fails if a notebook failed, after the executed notebook and its report are kept.",
    details="Pass it the output `status` of run-notebook, and let tasks that use the results run after it.",
    inputs=(Input("status", "str", "The failure of a notebook; empty for none.", default=""),),
    outputs=(),
    run=run,
    example='''\
run_notebook = load("training/run_notebook")
check_notebook = load("training/check_notebook")


@dsl.pipeline(name="check-notebook-example")
def example(image: str = "registry.example.com/team/jupyter:1", source: str = "s3://bucket/source"):
    """Runs a notebook, and fails after its artifacts are kept if a cell failed."""
    folder = dsl.importer(artifact_uri=source, artifact_class=dsl.Artifact)
    ran = run_notebook(notebook="train.ipynb", source=folder.output, image=image)
    check_notebook(status=ran.outputs["status"])
''',
    tags=("training", "notebook", "jupyter"),
)
