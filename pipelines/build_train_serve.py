"""From a Git commit to a served model, all in the cluster: the next step trains in an image just built; another serves.

fairing-kfp submit pipelines/build_train_serve.py --registry … \\
    -p git=https://git.example.com/me/models.git -p ref=main -p repository=registry.example.com/me/curve
"""

from kfp import dsl, kubernetes

from fairing_kfp.components import append_image, fetch_source, predict, preprocess_script, serve_deployment


@dsl.container_component
def fit(degree: int, fitted_model: dsl.Output[dsl.Model], fit_report: dsl.Output[dsl.HTML]):
    """Runs fit.py of the image that is built before."""
    return dsl.ContainerSpec(
        image="python:3.12-slim",  # replaced below
        command=["python3", "/opt/fairing/code/files/fit.py"],
        args=["--degree", degree, "--model", fitted_model.path, "--report", fit_report.path],
    )


def login(task: dsl.PipelineTask) -> None:
    """Mounts the Secret with the registry's login, if there is one."""
    kubernetes.use_secret_as_volume(task, "registry", "/etc/registry", optional=True)
    task.set_env_variable("DOCKER_CONFIG", "/etc/registry")


@dsl.pipeline(name="build-train-serve", description="From a Git commit to a served model, all in the cluster.")
def build_train_serve(
    git: str,
    repository: str,
    ref: str = "main",
    folder: str = "pipelines",
    base_image: str = "python:3.12-slim",
    packages: list = [],
    name: str = "curve",
    degree: int = 3,
    instances: list = [-1.0, 0.0, 1.0],
    expected: list = [0.0, 0.0, 0.0],
    tolerance: float = 0.3,
    insecure: list = [],
    ca: str = "",
):
    """The folder of the repository holds fit.py, curve_server.py, curve.py and pages.py, as this one does."""
    fetched = fetch_source(git=git, ref=ref, path=folder, ca=ca)
    fetched.set_caching_options(False)  # a branch moves
    kubernetes.use_secret_as_volume(fetched, "git", "/etc/git", optional=True)
    fetched.set_env_variable("GIT_CREDENTIALS", "/etc/git")
    images = {}
    for script in ("fit.py", "curve_server.py"):
        packed = preprocess_script(script=script, source=fetched.outputs["source"])
        built = append_image(
            bundle=packed.outputs["bundle"],
            base_image=base_image,
            packages=packages,
            repository=repository,
            insecure=insecure,
            ca=ca,
        )
        login(built)
        images[script] = built.outputs["image"]
    fitted = fit(degree=degree).set_container_image(images["fit.py"])
    model = fitted.outputs["fitted_model"]
    served = serve_deployment(name=name, image=images["curve_server.py"], model=model, insecure=insecure, ca=ca)
    login(served)
    predict(
        endpoint=served.outputs["endpoint"],
        model=name,
        protocol="v1",
        instances=instances,
        expected=expected,
        tolerance=tolerance,
    )
