"""The component fetch-source, in kfp alone."""

from kfp import dsl

IMAGE = "fairing://compile-with-fairing-kfp/own/fairing-kfp"


@dsl.container_component
def fetch_source(
    source: dsl.Output[dsl.Artifact],
    revision: dsl.OutputPath(str),
    report: dsl.Output[dsl.HTML],
    git: str = "",
    ref: str = "",
    path: str = "",
    archive: str = "",
    ca: str = "",
):
    """Fetches the files of a Git commit, or of a folder in the pipeline, for preprocess components.

    Args:
        git: URL of the repository, such as `https://github.com/team/models.git`.
        ref: Branch, tag or commit; by default the default branch.
        path: Folder of the repository; by default all of it.
        archive: Folder embedded by `embed_source`, instead of a repository.
        ca: Certificates (PEM) to trust in addition to the system's.

    Returns:
        source: Folder with the files.
        revision: Commit, or the digest of an embedded folder.
        report: What the step did, the result first.
    """
    return dsl.ContainerSpec(
        image=IMAGE,
        command=["python3", "-m", "fairing_kfp.components"],
        args=["fetch-source", "--executor_input", dsl.PIPELINE_TASK_EXECUTOR_INPUT_PLACEHOLDER],
    )
