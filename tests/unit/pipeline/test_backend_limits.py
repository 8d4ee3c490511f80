"""Warnings of what KFP's backend fails at, as seen on a cluster of KFP 2.17."""

import re
from typing import Any

import pytest
from kfp import dsl

from fairing_kfp import fairing_component
from fairing_kfp.pipeline.backend_limits import backend_warnings
from fairing_kfp.pipeline.trace import trace


@fairing_component
def give() -> list:
    return []


@fairing_component
def say(text: str) -> str:
    return text


@fairing_component
def count(number: int) -> int:
    return number


@fairing_component
def configure(config: dict) -> float:
    return 1.0


@fairing_component
def make(made: dsl.Output[dsl.Model]): ...


@fairing_component
def use(model: dsl.Input[dsl.Model]): ...


@fairing_component
def use_all(models: dsl.Input[list[dsl.Model]]): ...


@dsl.pipeline
def cached_branch(flag: str):
    with dsl.If(flag == "a"):
        one = say(text="1")
    with dsl.Else():
        two = say(text="2").set_caching_options(False)
    say(text=dsl.OneOf(one.output, two.output))


@dsl.pipeline
def cached_artifacts(flag: str):
    with dsl.If(flag == "a"):
        one = make()
    with dsl.Else():
        two = make()
    use(model=dsl.OneOf(one.outputs["made"], two.outputs["made"]))


@dsl.pipeline
def key():
    say(text="1").set_caching_options(True, cache_key="mine")


@dsl.pipeline
def json_in_text(config: dict):
    say(text=f"with {config} and {give().output}")


@dsl.pipeline
def values_in_a_dictionary(rate: float, name: str, config: dict):
    configure(config={"rate": rate, "name": name, "list": [count(number=1).output], "text": f"at {rate}"})
    configure(config={"other": config})


@dsl.pipeline
def inner(text: str) -> str:
    return say(text=text).output


@dsl.pipeline
def text_for_a_pipeline(name: str):
    inner(text=f"to {name}")


@dsl.pipeline
def item_in_a_condition():
    with dsl.ParallelFor(give().output) as item:
        with dsl.If(item == "1"):
            say(text="one")
        count(number=item)


@dsl.pipeline
def imports(kind: str, uri: str):
    dsl.importer(artifact_uri=say(text="s3://bucket/it").output, artifact_class=dsl.Model)
    dsl.importer(artifact_uri=uri, artifact_class=dsl.Model, metadata={"of": {"kind": kind}})


@dsl.pipeline
def takes_all(models: dsl.Input[list[dsl.Model]]):
    use_all(models=models)


@dsl.pipeline
def takes_two(one: dsl.Input[dsl.Model], two: dsl.Input[dsl.Model]):
    use(model=one)
    use(model=two)


@dsl.pipeline
def artifacts_for_pipelines():
    with dsl.ParallelFor([1, 2]):
        made = make()
    takes_all(models=dsl.Collected(made.outputs["made"]))
    one = make().outputs["made"]
    takes_two(one=one, two=one)


@dsl.pipeline
def facts_of_the_run():
    say(text=dsl.PIPELINE_JOB_ID_PLACEHOLDER)
    say(text=f"run {dsl.PIPELINE_JOB_NAME_PLACEHOLDER}")
    configure(config={"task": dsl.PIPELINE_TASK_NAME_PLACEHOLDER})


CASES = [
    (cached_branch, [r"dsl\.OneOf fails if KFP reuses the outputs of say \(No successful"]),
    (cached_artifacts, [r"OneOf fails if KFP reuses the outputs of make or make-2 \("]),
    (key, [r"say has a cache_key: .*whatever its image and inputs are \(kubeflow/pipelines#11328\)"]),
    (json_in_text, ["say gets a dictionary, config, within", "say gets a list, give-Output, within"]),
    (
        values_in_a_dictionary,
        [
            "configure gets a number, rate, within config as text",
            "configure gets a number, count-Output, within config",
            "configure-2 gets a dictionary, config, within the text or dictionary config",
        ],
    ),
    (text_for_a_pipeline, [r"inner is a pipeline that gets name within text: .*does not fill text"]),
    (
        imports,
        [
            "importer imports an artifact whose URI is the output of a step: .*pass it as a parameter",
            "importer-2 has parameters in its metadata, which KFP's importer does not fill",
        ],
    ),
    (
        artifacts_for_pipelines,
        [
            "takes-all gets a list of artifacts, models, of which KFP's driver passes on the last only",
            "takes-two gets one artifact as several inputs, of which KFP's driver passes on one only",
        ],
    ),
    (
        facts_of_the_run,
        [
            r"say-2 gets \{\{\$\.pipeline_job_name\}\} within text, which KFP's driver replaces only if",
            r"configure gets \{\{\$\.pipeline_task_name\}\} within config",
        ],
    ),
    (item_in_a_condition, [r"count gets the item of a loop for number as text, .*\(type mismatch\)"]),
]


@pytest.mark.parametrize(("pipeline", "patterns"), CASES, ids=[case[0].name for case in CASES])
def test_warnings(pipeline: Any, patterns: list[str]) -> None:
    found = backend_warnings(trace(pipeline).specification)

    assert len(found) == len(patterns)
    for pattern in patterns:
        assert any(re.search(pattern, one) for one in found), (pattern, found)


def test_what_works_is_not_warned_of() -> None:
    @dsl.pipeline
    def inner(flag: str) -> str:
        with dsl.If(flag == "a"):
            one = say(text="1").set_caching_options(False)
        with dsl.Else():
            two = say(text="2").set_caching_options(False)
        return dsl.OneOf(one.output, two.output)

    @dsl.pipeline
    def fine(rate: float, config: dict, name: str):
        inner(flag=name)
        say(text=f"{rate} {name}")
        configure(config=config)
        configure(config={"name": name, "rate": 2})
        with dsl.ParallelFor(give().output) as item:
            count(number=item)
            with dsl.ParallelFor([1, 2]) as other:
                say(text=f"item {other}")
            made = make()
        use_all(models=dsl.Collected(made.outputs["made"]))

    assert backend_warnings(trace(fine).specification) == []
