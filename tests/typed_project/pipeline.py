"""A user's project without mistakes: type checkers find none."""

from pathlib import Path
from typing import Any, cast

from kfp import dsl, kubernetes

import fairing_kfp
from fairing_kfp import OUTPUT, Task, fairing_component, job, pytorchjob, serve, trainjob, vertexjob
from fairing_kfp.components import import_image
from fairing_kfp.testing import RunPipeline, fake_artifact


@fairing_component
def count(words: list[str]) -> int:
    return len(words)


@fairing_component(packages=["scikit-learn==1.7.*"], env={"OMP_NUM_THREADS": "1"}, platforms=["linux/amd64"])
def train(depth: int, rate: float = 0.1, model: dsl.Output[dsl.Model] = OUTPUT) -> float:
    Path(model.path).write_text(f"{depth}, {rate}")
    return rate


@fairing_component
def judge(model: dsl.Input[dsl.Model], name: str = "digits") -> bool:
    return Path(model.path).exists() and bool(name)


@fairing_component(packages=["scikit-learn==1.7.*"])
class Digits:
    def load(self, model_path: str) -> None:
        self.model = Path(model_path).read_text()

    def predict(self, instances: list[list[float]]) -> list[int]:
        return [len(one) for one in instances]


script = fairing_component.from_script("train.py", arguments={"--model": dsl.Output[dsl.Model]}, base_image="python")
notebook = fairing_component.from_notebook("report.ipynb", mode="script", tags=["train"])


@dsl.pipeline
def digits(depth: int = 8, words: list[str] = ["a"]) -> None:  # noqa: B006 - kfp's way
    trained = train(depth=depth).set_memory_limit("8Gi").set_retry(2).after(count(words=words))
    settings: Task = trained.set_env_variable("A", "b")
    kubernetes.use_secret_as_volume(settings, "name", "/path")
    train(depth=count(words=["a", "b"]).output, rate=trained.outputs["Output"])
    judge(model=trained.outputs["model"])
    with dsl.ParallelFor([1, 2]) as item:
        train(depth=cast(int, item))
        import_image(image="python:3.12", repository="registry.example.com/me", tag=item)
    imported = dsl.importer(artifact_uri="gs://bucket/model", artifact_class=dsl.Model)
    judge(model=cast(dsl.Model, imported.output))
    job(train, nodes=2, logs="all")(depth=depth)
    trainjob(train, runtime="torch-distributed", framework="torch")(depth=depth)
    pytorchjob(train, deadline=3600)(depth=depth, rate=0.5)
    vertexjob(train, project="p", region="europe-west4", staging="gs://b/s", spot=True)(depth=depth)
    served = serve(Digits, name="digits", model=trained.outputs["model"], replicas=2, sample=[[0.0]])
    judge(model=served.outputs["endpoint"])
    script(lr=0.1)
    notebook()


def train_here() -> float:
    return train.python_func(depth=3, model=fake_artifact(dsl.Model))


def predict_here() -> list[int]:
    return Digits().predict([[0.0]])


def test_digits(run_pipeline: RunPipeline) -> None:
    step = run_pipeline(digits, {"depth": 2}, reuse=False).step("train")
    assert step.outputs["Output"] > 0
    assert "depth" in step.log_text()


def release(settings: dict[str, Any]) -> str:
    fairing_kfp.run(digits, {"depth": 2}, runner="docker", builder="docker", parallel=2)
    fairing_kfp.explain(digits, builder="dry-run")
    fairing_kfp.lock(digits, upgrade=["numpy"], locked=False)
    fairing_kfp.submit(digits, {"depth": 2}, host="https://kubeflow.example.com", namespace="me", reuse=False)
    return fairing_kfp.compile(digits, "digits.yaml", registry="registry.example.com/me", insecure=["localhost"]).text
