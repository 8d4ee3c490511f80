"""Every construct of kfp's that a component may stand in, on real values."""

import pickle
from pathlib import Path

from kfp import dsl, kubernetes
from shared import Box, double

from fairing_kfp import fairing_component


@fairing_component
def numbers(count: int) -> list:
    return list(range(1, count + 1))


@fairing_component(env={"UNIT": "apples"})
def box(number: int, made: dsl.Output[dsl.Artifact]) -> int:
    Path(made.path).write_bytes(pickle.dumps(Box(double(number))))
    return double(number)


@fairing_component
def total(boxes: dsl.Input[list[dsl.Artifact]], values: list) -> int:
    opened = sum(pickle.loads(Path(one.path).read_bytes()).content for one in boxes)
    assert opened == sum(values), (opened, values)
    return opened


@fairing_component
def judge(value: int) -> str:
    return "large" if value > 10 else "small"


@fairing_component
def say(text: str) -> str:
    print(text)
    return text


@fairing_component
def last(status: dsl.PipelineTaskFinalStatus, note: str = "over"):
    print(note, status.state)


@dsl.pipeline
def verdict(value: int) -> str:
    size = judge(value=value)
    with dsl.If(size.output == "large"):
        much = say(text="much")
    with dsl.Else():
        little = say(text="little")
    return dsl.OneOf(much.output, little.output)


@dsl.pipeline(name="control-flow")
def control_flow(count: int = 3):
    farewell = last()
    with dsl.ExitHandler(farewell):
        made = numbers(count=count)
        with dsl.ParallelFor(made.output, parallelism=2) as number:
            boxed = box(number=number)
            boxed.set_cpu_request("250m").set_memory_limit("1G").set_retry(2, backoff_duration="1s")
        summed = total(boxes=dsl.Collected(boxed.outputs["made"]), values=dsl.Collected(boxed.outputs["Output"]))
        summed.set_caching_options(False).set_env_variable("PYTHONPATH", "/somewhere").set_display_name("Total")
        kubernetes.use_secret_as_env(summed, "login", {"password": "LOGIN_PASSWORD"})
        kubernetes.add_node_selector(summed, "disk", "fast")
        judged = verdict(value=summed.output)
        say(text=judged.output)
