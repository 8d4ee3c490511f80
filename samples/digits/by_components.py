"""The same by reusable components: the image of learn.py is built in the cluster, trains as a Job, and KServe serves.

fairing-kfp submit samples/digits/by_components.py --registry … -p repository=registry.example.com/me/digits
"""

from pathlib import Path

from kfp import dsl, kubernetes

from fairing_kfp.components import append_image, model_image, preprocess_script, serve_kserve_model, train_job

SCRIPT = (Path(__file__).parent / "learn.py").read_text(encoding="utf-8")


def login(task: dsl.PipelineTask) -> None:
    """Mounts the Secret with the registry's login, if there is one."""
    kubernetes.use_secret_as_volume(task, "registry", "/etc/registry", optional=True)
    task.set_env_variable("DOCKER_CONFIG", "/etc/registry")


@dsl.pipeline(name="digits-by-components", description="Learns to read handwritten digits, in an image just built.")
def digits(
    repository: str,
    base_image: str = "python:3.12-slim",
    packages: list = ["scikit-learn==1.7.*"],
    depth: int = 10,
    trees: int = 100,
    insecure: list = [],
):
    packed = preprocess_script(script="learn.py", text=SCRIPT)
    built = append_image(
        bundle=packed.outputs["bundle"],
        base_image=base_image,
        packages=packages,
        repository=repository,
        insecure=insecure,
    )
    trained = train_job(
        image=built.outputs["image"],
        command=["python3", "/opt/fairing/code/files/learn.py"],
        arguments=["--depth", depth, "--trees", trees, "--model", "{model}/model.joblib", "--metrics", "{metrics}"],
    )
    stored = model_image(model=trained.outputs["model"], repository=repository, insecure=insecure)
    login(built)
    login(stored)
    serve_kserve_model(name="digits", model_format="sklearn", storage=stored.outputs["uri"], sample=[[0] * 64])
