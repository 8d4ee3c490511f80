"""The component import-image, in kfp alone."""

from kfp import dsl

IMAGE = "fairing://compile-with-fairing-kfp/own/fairing-kfp"


@dsl.container_component
def import_image(
    image: str,
    repository: str,
    imported: dsl.OutputPath(str),
    report: dsl.Output[dsl.HTML],
    tag: str = "",
    insecure: list = [],
    ca: str = "",
):
    """Copies an image into another repository, byte for byte, so that its digest stays the same.

    Args:
        image: Image to copy, by tag or digest.
        repository: Repository to copy it to, such as `registry.example.com/team/base`.
        tag: Tag in the repository; by default the image's, or one made of its digest.
        insecure: Registries (`host` or `host:port`) reached over plain HTTP.
        ca: Certificates (PEM) to trust in addition to the system's.

    Returns:
        imported: Reference of the copy by digest.
        report: What the step did, the result first.
    """
    return dsl.ContainerSpec(
        image=IMAGE,
        command=["python3", "-m", "fairing_kfp.components"],
        args=["import-image", "--executor_input", dsl.PIPELINE_TASK_EXECUTOR_INPUT_PLACEHOLDER],
    )
