"""Mistakes of a user; each comment names the error of pyright and that of mypy, to which kfp's classes are `Any`."""

from kfp import dsl

import fairing_kfp
from fairing_kfp import fairing_component, job, serve, vertexjob
from fairing_kfp.components import fetch_source, import_image
from tests.typed_project.pipeline import Digits, count, digits, judge, train


@fairing_component(package=["numpy"])  # reportCallIssue, call-overload
def unknown_option() -> None: ...


@fairing_component(platforms="linux/amd64", build="yes")  # reportArgumentType, call-overload
def wrong_option() -> None: ...


fairing_component.from_script("train.py", commands="fit")  # reportCallIssue, call-arg
fairing_component.from_notebook("train.ipynb", mode="all")  # reportArgumentType, arg-type


@dsl.pipeline
def wrong(depth: int = 3) -> None:
    train(dept=depth)  # reportCallIssue, call-arg
    train(depth="3")  # reportArgumentType, arg-type
    train(depth=depth, rate=[0.1])  # reportArgumentType, arg-type
    train()  # reportCallIssue, call-arg
    judge(model=train(depth=depth).outputs["model"], name=3)  # reportArgumentType, arg-type
    train(depth=count(words=["a"]))  # reportArgumentType
    job(train)(dept=depth)  # reportCallIssue, call-arg
    job(train, node=2)(depth=depth)  # reportCallIssue, call-arg
    job(train, logs="none")(depth=depth)  # reportArgumentType, arg-type
    job(digits)(depth=depth)  # reportArgumentType
    vertexjob(train, project="p", region="europe-west4")(depth=depth)  # reportCallIssue, call-arg
    serve(Digits, name="digits", replica=2)  # reportCallIssue, call-arg
    serve(Digits, name="digits", replicas="2")  # reportArgumentType, arg-type
    import_image(image="python:3.12", repositori="registry.example.com/me")  # reportCallIssue, call-arg
    import_image(image="python:3.12", repository=depth)  # reportArgumentType
    import_image(image=fetch_source(git="https://example.com"), repository="")  # reportArgumentType
    train(depth=depth).set_memory_limits("8Gi")  # reportAttributeAccessIssue


text: str = train.python_func(depth=3)  # reportAssignmentType, assignment
train.python_func("3")  # reportArgumentType, arg-type
count.python_func([1])  # reportArgumentType, list-item
text = job(count, nodes=2).python_func(["a"])  # reportAssignmentType, assignment
text = vertexjob(train, project="p", region="r", staging="gs://b/s").python_func(3)  # reportAssignmentType, assignment
Digits().predict("text")  # reportArgumentType, arg-type
fairing_kfp.run(digits, {"depth": 2}, runer="docker")  # reportCallIssue, call-arg
fairing_kfp.run(digits, {"depth": 2}, runner="moon")  # reportArgumentType, arg-type
fairing_kfp.run(digits, {"depth": 2}, parallel="2")  # reportArgumentType, arg-type
fairing_kfp.run(digits, {"depth": 2}, compression="xz")  # reportArgumentType, arg-type
fairing_kfp.compile(digits, "digits.yaml", registri="registry.example.com/me")  # reportCallIssue, call-arg
fairing_kfp.compile(digits, "digits.yaml", insecure="localhost", registry=3)  # reportArgumentType, arg-type
fairing_kfp.compile(digits, "digits.yaml").images["train"] = "image"  # reportIndexIssue, index
