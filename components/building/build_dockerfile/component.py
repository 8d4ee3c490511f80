"""The component build-dockerfile, in kfp alone."""

from typing import Optional

from kfp import dsl

IMAGE = "fairing://compile-with-fairing-kfp/own/fairing-kfp"


@dsl.container_component
def build_dockerfile(
    repository: str,
    image: dsl.OutputPath(str),
    report: dsl.Output[dsl.HTML],
    context: Optional[dsl.Input[dsl.Artifact]] = None,
    git: str = "",
    dockerfile: str = "Dockerfile",
    build_args: dict = {},
    stage: str = "",
    tag: str = "latest",
    registry_secret: str = "",
    exclude: list = [],
    buildkit_image: str = "moby/buildkit:v0.23.2-rootless",
    cpu: str = "",
    memory: str = "",
    deadline: int = 0,
    service_account: str = "",
    insecure: list = [],
    ca: str = "",
):
    """Builds an image of a Dockerfile by rootless BuildKit in a Job, and pushes it, by digest.

    Args:
        repository: Repository of the image, such as `registry.example.com/team/train`.
        context: Folder with the Dockerfile and the files that it copies.
        git: Context in a Git repository instead, such as `https://…/models.git#main:train`.
        dockerfile: Path of the Dockerfile in the context.
        build_args: Build arguments, which the image records; no credentials.
        stage: Stage to build; the last one by default.
        tag: Tag of the image in the repository.
        registry_secret: Secret of type `kubernetes.io/dockerconfigjson`, for pulling and pushing.
        exclude: Patterns of files to leave out, as in an ignore file.
        buildkit_image: Image of rootless BuildKit.
        cpu: CPUs of the build, such as `2`.
        memory: Memory of the build, such as `4Gi`.
        deadline: Maximum duration of the build, in seconds; 0 for none.
        service_account: Service account of the Job, for example one with a pull secret.
        insecure: Registries (`host` or `host:port`) reached over plain HTTP.
        ca: Certificates (PEM) to trust in addition to the system's.

    Returns:
        image: Reference of the image by digest.
        report: What the step did, the result first.
    """
    return dsl.ContainerSpec(
        image=IMAGE,
        command=["python3", "-m", "fairing_kfp.components"],
        args=["build-dockerfile", "--executor_input", dsl.PIPELINE_TASK_EXECUTOR_INPUT_PLACEHOLDER],
    )
