"""Makes an image of a script in the cluster, and runs the next step in it: no builder, no Docker, no privilege.

fairing-kfp submit pipelines/build_then_run.py -p source=s3://bucket/pipelines -p repository=registry.example.com/me/fit
"""

from kfp import dsl, kubernetes

from fairing_kfp.components import append_image, preprocess_script


@dsl.container_component
def fit(degree: int, fitted_model: dsl.Output[dsl.Model], fit_report: dsl.Output[dsl.HTML]):
    """Runs fit.py of the image that is built before."""
    return dsl.ContainerSpec(
        image="python:3.12-slim",  # replaced below
        command=["python3", "/opt/fairing/code/files/fit.py"],
        args=["--degree", degree, "--model", fitted_model.path, "--report", fit_report.path],
    )


@dsl.pipeline(name="build-then-run", description="Makes an image of a script in the cluster, and runs it.")
def build_then_run(
    source: str, repository: str, base_image: str = "python:3.12-slim", packages: list = [], degree: int = 3
):
    """The source is a folder in artifact storage that holds this one's fit.py, curve.py and pages.py."""
    folder = dsl.importer(artifact_uri=source, artifact_class=dsl.Artifact)
    packed = preprocess_script(script="fit.py", source=folder.output)
    built = append_image(
        bundle=packed.outputs["bundle"], base_image=base_image, packages=packages, repository=repository
    )
    kubernetes.use_secret_as_volume(built, "registry", "/etc/registry", optional=True)
    built.set_env_variable("DOCKER_CONFIG", "/etc/registry")
    fit(degree=degree).set_container_image(built.outputs["image"])
