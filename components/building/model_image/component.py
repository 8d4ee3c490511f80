"""The component model-image, in kfp alone."""

from kfp import dsl

IMAGE = "fairing://compile-with-fairing-kfp/own/fairing-kfp"


@dsl.container_component
def model_image(
    model: dsl.Input[dsl.Artifact],
    repository: str,
    image: dsl.OutputPath(str),
    uri: dsl.OutputPath(str),
    report: dsl.Output[dsl.HTML],
    base_image: str = "busybox:1.37",
    file_name: str = "",
    platforms: list = [],
    insecure: list = [],
    ca: str = "",
):
    """Puts a model into an image, by digest, which KServe, KFP and Kubernetes mount as files.

    Args:
        model: Model: a file or a folder.
        repository: Repository of the image, such as `registry.example.com/team/models`.
        base_image: Base image with a shell, by tag or digest.
        file_name: Name in the image of a model of one file, such as `model.joblib`; the artifact's by default.
        platforms: Platforms such as `linux/arm64`; the base's, or linux/amd64 if it has several, by default.
        insecure: Registries (`host` or `host:port`) reached over plain HTTP.
        ca: Certificates (PEM) to trust in addition to the system's.

    Returns:
        image: Reference of the image by digest.
        uri: URI of the image, `oci://` and its reference.
        report: What the step did, the result first.
    """
    return dsl.ContainerSpec(
        image=IMAGE,
        command=["python3", "-m", "fairing_kfp.components"],
        args=["model-image", "--executor_input", dsl.PIPELINE_TASK_EXECUTOR_INPUT_PLACEHOLDER],
    )
