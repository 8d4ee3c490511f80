"""The component preprocess-function, in kfp alone."""

from typing import Optional

from kfp import dsl

IMAGE = "fairing://compile-with-fairing-kfp/own/fairing-kfp"


@dsl.container_component
def preprocess_function(
    function: str,
    bundle: dsl.Output[dsl.Artifact],
    digest: dsl.OutputPath(str),
    report: dsl.Output[dsl.HTML],
    source: Optional[dsl.Input[dsl.Artifact]] = None,
    text: str = "",
    exclude: list = [],
):
    """Packs a function of a Python module and the files beside it into a bundle, for append-image.

    Args:
        function: Module and function, such as `package.model:train`.
        source: Folder with the module and its files, or the module alone.
        text: Text of the module, instead of a source.
        exclude: Patterns of files to leave out, as in an ignore file.

    Returns:
        bundle: Folder with the files and `bundle.json`.
        digest: Digest of the bundle.
        report: What the step did, the result first.
    """
    return dsl.ContainerSpec(
        image=IMAGE,
        command=["python3", "-m", "fairing_kfp.components"],
        args=["preprocess-function", "--executor_input", dsl.PIPELINE_TASK_EXECUTOR_INPUT_PLACEHOLDER],
    )
