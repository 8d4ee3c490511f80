"""Options against the types that they are annotated with."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import pytest

from fairing_kfp import fairing_component, job, serve, serve_model, vertexjob
from fairing_kfp.errors import ComponentError, ConfigError, FairingError
from fairing_kfp.option_check import check_options, fits
from fairing_kfp.settings import Settings


@pytest.mark.parametrize(
    ("kind", "right", "wrong", "words", "remedy"),
    [
        (str, ["x", ""], [3, None, b"x"], "a string", "x"),
        (str | None, ["x", None], [3], "a string", 'write it as text: x="3"'),
        (int, [3, 0], ["3", True, 1.5], "a whole number", "write it without quotes: x=3"),
        (float, [3, 0.5], ["y", True], "a number", "use a number"),
        (bool, [True], ["true", 1], "True or False", "use True or False"),
        (Sequence[str], [["a"], ("a",), []], ["a", [3], {"a"}], "a list of strings", 'give a list: x=["a"]'),
        (
            str | Sequence[str],
            ["a", ["a"]],
            [[3]],
            "a string or a list of strings",
            "use a string or a list of strings",
        ),
        (tuple[str, ...], [("a",), ["a"]], ["a"], "a list of strings", 'give a list: x=["a"]'),
        (Mapping[str, str], [{"a": "b"}], [{"a": 1}, "a=b"], "a dictionary of strings by name", 'x={"NAME": "VALUE"}'),
        (Mapping[str, Any] | None, [{"a": 1}, None], ["a"], "a dictionary", "use a dictionary"),
        (Literal["first", "all"], ["all"], ["last"], "one of first, all", "use one of first, all"),
        (str | os.PathLike[str], ["a", Path("a")], [3], "a string or a path", 'write it as text: x="3"'),
        (Sequence[Callable[[int], int]], [[len]], [[3], len], "a list of functions", "use a list of functions"),
        (Path, [3, "anything"], [], "", ""),
    ],
    ids=lambda value: "",
)
def test_a_type_decides_and_words_the_error(
    kind: Any, right: list[Any], wrong: list[Any], words: str, remedy: str
) -> None:
    assert [value for value in right if not fits(value, kind)] == []
    for number, value in enumerate(wrong):
        with pytest.raises(ConfigError) as raised:
            check_options("run", {"x": value}, {"x": kind})
        assert raised.value.message.endswith(f" is not {words}")
        assert number or remedy in raised.value.remedy


def test_values_of_dictionaries_are_not_shown() -> None:
    with pytest.raises(ConfigError) as raised:
        check_options("run", {"env": {"PASSWORD": "made-up", "N": 3}}, {"env": Mapping[str, str]})

    assert raised.value.message == "run: env={'N': …} is not a dictionary of strings by name"


@fairing_component
def step(number: int) -> int:
    return number


def made(**options: Any) -> Any:
    return fairing_component(**options)(step.python_func)


CALLS: dict[str, tuple[Callable[[], Any], type[FairingError], str]] = {
    "component-unknown": (lambda: made(package=["numpy"]), ComponentError, "did you mean packages?"),
    "component-packages": (lambda: made(packages=[os]), ComponentError, "packages=[<module 'os'"),
    "component-python": (lambda: made(python_version=3.12), ComponentError, 'write it as text: python_version="3.12"'),
    "component-python-patch": (lambda: made(python_version="3.12.1"), ComponentError, 'write it like "3.12"'),
    "component-build": (lambda: made(build="yes"), ComponentError, "use True or False"),
    "component-platform": (lambda: made(platforms=["arm64"]), ComponentError, 'write it like "linux/amd64"'),
    "component-tag": (lambda: made(tag="a b"), ComponentError, "tag='a b' is not a tag"),
    "component-tag-number": (lambda: made(tag=1.2), ComponentError, 'tag="1.2"'),
    "component-libc": (lambda: made(libc="glibc"), ComponentError, "manylinux_2_28"),
    "component-files": (lambda: made(files=["a"]), ComponentError, "files=['a'] is not a dictionary"),
    "component-secrets": (lambda: made(secrets=["TOKEN"]), ComponentError, "is not a dictionary of strings"),
    "component-base-image": (lambda: made(base_image=3), ComponentError, "base_image=3 is not a string"),
    "component-builder": (lambda: made(builder="moon"), ComponentError, "the builder 'moon' does not exist"),
    "component-name": (lambda: made(name=3), ComponentError, "name=3 is not a string"),
    "component-modules": (lambda: made(modules=[3]), ComponentError, "modules=[3]"),
    "job-unknown": (lambda: job(step, node=2), ComponentError, "did you mean nodes?"),
    "job-nodes": (lambda: job(step, nodes="2"), ConfigError, "write it without quotes: nodes=2"),
    "job-labels": (lambda: job(step, labels={"a": 1}), ConfigError, "labels={'a': …}"),
    "job-mutators": (lambda: job(step, mutators=[{}]), ConfigError, "mutators=[{}] is not a list of functions"),
    "job-framework": (lambda: job(step, framework="keras"), ConfigError, "use one of torch, tensorflow"),
    "vertexjob-project": (lambda: vertexjob(step, project=3, region="r", staging="s"), ConfigError, "project=3"),
    "vertexjob-spot": (lambda: vertexjob(step, project="p", region="r", staging="gs://b", spot="no"), ConfigError, "spot='no'"),  # noqa: E501
    "serve-unknown": (lambda: serve("image:1", name="digits", replica=2), ComponentError, "did you mean replicas?"),
    "serve-replicas": (lambda: serve("image:1", name="digits", replicas="2"), ConfigError, "quotes: replicas=2"),
    "serve-env": (lambda: serve("image:1", name="digits", env={"A": 1}), ConfigError, "env={'A': …}"),
    "serve-model": (lambda: serve_model("sklearn", name="digits", storage="s3://b/m", mode="fast"), ConfigError, "use one of Standard, Knative"),  # noqa: E501
    "settings-insecure": (lambda: Settings.load(insecure="host:5000"), ConfigError, 'give a list: insecure=["host:5000"]'),  # noqa: E501
    "settings-insecure-url": (lambda: Settings.load(insecure=["http://host:5000"]), ConfigError, "without http://"),
    "settings-insecure-items": (lambda: Settings.load(insecure=[5000]), ConfigError, "use a list of strings"),
    "settings-registry": (lambda: Settings.load(registry="https://host/me"), ConfigError, "HOST[:PORT]/PATH, without https://"),
    "settings-platforms": (lambda: Settings.load(platforms="linux/arm64"), ConfigError, 'platforms=["linux/arm64"]'),
    "settings-platform": (lambda: Settings.load(platforms=["arm64"]), ConfigError, "write a platform such as linux/amd64"),  # noqa: E501
    "settings-compression": (lambda: Settings.load(compression="xz"), ConfigError, "write gzip or zstd"),
    "settings-namespace": (lambda: Settings.load(namespace="My Team"), ConfigError, "lower case letters"),
    "settings-build": (lambda: Settings.load(build="no"), ConfigError, "use True or False"),
    "settings-allow": (lambda: Settings.load(allow_secrets="NAME"), ConfigError, 'allow_secrets=["NAME"]'),
    "settings-unknown": (lambda: Settings.load(registy="x"), ConfigError, "did you mean registry?"),
}  # fmt: skip


@pytest.mark.parametrize("call", CALLS)
def test_options_are_checked_when_they_are_given(call: str) -> None:
    act, kind, text = CALLS[call]

    with pytest.raises(kind) as raised:
        act()
    assert text in str(raised.value)
