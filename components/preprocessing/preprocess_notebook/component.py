"""The component preprocess-notebook, in kfp alone."""

from typing import Optional

from kfp import dsl

IMAGE = "fairing://compile-with-fairing-kfp/own/fairing-kfp"


@dsl.container_component
def preprocess_notebook(
    notebook: str,
    bundle: dsl.Output[dsl.Artifact],
    digest: dsl.OutputPath(str),
    packages: dsl.OutputPath(list),
    report: dsl.Output[dsl.HTML],
    source: Optional[dsl.Input[dsl.Artifact]] = None,
    text: str = "",
    mode: str = "code",
    tags: list = [],
    outputs: dict = {},
    shell: bool = False,
    exclude: list = [],
):
    """Packs a notebook and the files beside it into a bundle, as a script of its code or to run in full.

    Args:
        notebook: Path of the notebook in the source, such as `train.ipynb`.
        source: Folder with the notebook and its files, or the notebook alone.
        text: Text of the notebook's file, instead of a source.
        mode: `code` (its cells as a script) or `full` (the whole notebook is executed).
        tags: Tags of the cells to use; all but those tagged `skip` by default.
        outputs: Values that the notebook records in the mode `full`, with their types, such as `{"accuracy": "float"}`.
        shell: Whether the mode `code` runs `!commands`, except those that install packages.
        exclude: Patterns of files to leave out, as in an ignore file.

    Returns:
        bundle: Folder with the files and `bundle.json`.
        digest: Digest of the bundle.
        packages: Packages that the mode requires; none for `code`.
        report: What the step did, the result first.
    """
    return dsl.ContainerSpec(
        image=IMAGE,
        command=["python3", "-m", "fairing_kfp.components"],
        args=["preprocess-notebook", "--executor_input", dsl.PIPELINE_TASK_EXECUTOR_INPUT_PLACEHOLDER],
    )
