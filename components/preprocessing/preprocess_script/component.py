"""The component preprocess-script, in kfp alone."""

from typing import Optional

from kfp import dsl

IMAGE = "fairing://compile-with-fairing-kfp/own/fairing-kfp"


@dsl.container_component
def preprocess_script(
    script: str,
    bundle: dsl.Output[dsl.Artifact],
    digest: dsl.OutputPath(str),
    report: dsl.Output[dsl.HTML],
    source: Optional[dsl.Input[dsl.Artifact]] = None,
    text: str = "",
    exclude: list = [],
):
    """Packs a Python script and the files beside it into a bundle, which append-image makes an image of.

    Args:
        script: Path of the script in the source, such as `train.py`.
        source: Folder with the script and its files, or the script alone.
        text: Text of the script, instead of a source.
        exclude: Patterns of files to leave out, as in an ignore file.

    Returns:
        bundle: Folder with the files and `bundle.json`.
        digest: Digest of the bundle.
        report: What the step did, the result first.
    """
    return dsl.ContainerSpec(
        image=IMAGE,
        command=["python3", "-m", "fairing_kfp.components"],
        args=["preprocess-script", "--executor_input", dsl.PIPELINE_TASK_EXECUTOR_INPUT_PLACEHOLDER],
    )
