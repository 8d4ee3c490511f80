"""The component resolve-dependencies, in kfp alone."""

from typing import Optional

from kfp import dsl

IMAGE = "fairing://compile-with-fairing-kfp/own/fairing-kfp"


@dsl.container_component
def resolve_dependencies(
    layers: dsl.Output[dsl.Artifact],
    lock: dsl.Output[dsl.Artifact],
    digest: dsl.OutputPath(str),
    report: dsl.Output[dsl.HTML],
    requirements: str = "",
    source: Optional[dsl.Input[dsl.Artifact]] = None,
    file: str = "requirements.txt",
    extras: list = [],
    groups: list = [],
    provided: list = [],
    base_image: str = "",
    python: str = "",
    platform: str = "",
    libc: str = "",
    insecure: list = [],
    ca: str = "",
):
    """Locks requirements to versions and hashes, and makes layers of their wheels, for append-image.

    Args:
        requirements: Requirements, one per line, as in a requirements file.
        source: Folder with a file of requirements, or the file alone.
        file: Requirements file, `pyproject.toml` or `uv.lock` in the source.
        extras: Extras of the project to include.
        groups: Dependency groups of the project to include.
        provided: Requirements that the base image satisfies; they are not added.
        base_image: Base image whose Python and platform the packages are for.
        python: Python version, such as `3.12`, if the base image does not tell; by default the step's.
        platform: Platform such as `linux/arm64`; the base's, or linux/amd64 by default.
        libc: Newest C library that wheels may require; `manylinux_2_28` by default.
        insecure: Registries (`host` or `host:port`) reached over plain HTTP.
        ca: Certificates (PEM) to trust in addition to the system's.

    Returns:
        layers: Folder with the layers and `layers.json`.
        lock: Requirements file of the chosen versions and their hashes.
        digest: Digest of the layers.
        report: What the step did, the result first.
    """
    return dsl.ContainerSpec(
        image=IMAGE,
        command=["python3", "-m", "fairing_kfp.components"],
        args=["resolve-dependencies", "--executor_input", dsl.PIPELINE_TASK_EXECUTOR_INPUT_PLACEHOLDER],
    )
