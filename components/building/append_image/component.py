"""The component append-image, in kfp alone."""

from typing import Optional

from kfp import dsl

IMAGE = "fairing://compile-with-fairing-kfp/own/fairing-kfp"


@dsl.container_component
def append_image(
    bundle: dsl.Input[dsl.Artifact],
    base_image: str,
    repository: str,
    image: dsl.OutputPath(str),
    report: dsl.Output[dsl.HTML],
    layers: Optional[dsl.Input[dsl.Artifact]] = None,
    packages: list = [],
    platforms: list = [],
    insecure: list = [],
    ca: str = "",
):
    """Puts a bundle on a base image and pushes the result, by digest, without Docker, daemon or privilege.

    Args:
        bundle: Bundle of a preprocess component.
        base_image: Base image, by tag or digest, such as `python:3.12-slim`.
        repository: Repository of the image, such as `registry.example.com/team/train`.
        layers: Layers of resolve_dependencies, for the same base image.
        packages: Requirements to add, such as `numpy>=2`.
        platforms: Platforms such as `linux/arm64`; the base's, or linux/amd64 if it has several, by default.
        insecure: Registries (`host` or `host:port`) reached over plain HTTP.
        ca: Certificates (PEM) to trust in addition to the system's.

    Returns:
        image: Reference of the image by digest.
        report: What the step did, the result first.
    """
    return dsl.ContainerSpec(
        image=IMAGE,
        command=["python3", "-m", "fairing_kfp.components"],
        args=["append-image", "--executor_input", dsl.PIPELINE_TASK_EXECUTOR_INPUT_PLACEHOLDER],
    )
