"""`@fairing_component` against `@dsl.component`: the same interface, and clear errors."""

import dataclasses
import functools
import subprocess
import sys
import textwrap
import typing
from collections.abc import Callable
from pathlib import Path
from typing import Any, Dict, List, NamedTuple, Union  # noqa: UP035

import pytest
from kfp import compiler, dsl
from kfp.dsl.types import artifact_types

from fairing_kfp import fairing_component
from fairing_kfp.errors import ComponentError, SecretError
from fairing_kfp.preprocess.function import FunctionSource
from fairing_kfp.preprocess.source import ComponentSource, placeholders

# This file does not postpone annotations, since KFP cannot read strings.


class Custom(dsl.Artifact):
    schema_title = "google.Thing"
    schema_version = "0.0.1"


class Late(NamedTuple):
    size: "int"
    words: "list"


def made(returns: Any = None, defaults: dict[str, Any] | None = None, **annotations: Any) -> Callable[..., Any]:
    """A function with these annotations."""
    given = defaults or {}
    ordered = [name for name in annotations if name not in given] + [name for name in annotations if name in given]
    arguments = ", ".join(f"{name}={given[name]!r}" if name in given else name for name in ordered)
    space: dict[str, Any] = {"__name__": __name__}
    file = f"<made {arguments}>"
    exec(compile(f"def step({arguments}):\n    pass\n", file, "exec"), space)
    step = space["step"]
    step.__annotations__ = {**annotations, **({} if returns is None else {"return": returns})}
    return step


ARTIFACTS = [
    dsl.Artifact,
    dsl.Dataset,
    dsl.Model,
    dsl.Metrics,
    dsl.ClassificationMetrics,
    dsl.SlicedClassificationMetrics,
    dsl.HTML,
    dsl.Markdown,
    Custom,
]
SIGNATURES: dict[str, Callable[..., Any]] = {
    **{f"input {kind.__name__}": made(a=dsl.Input[kind]) for kind in ARTIFACTS},
    **{f"output {kind.__name__}": made(a=dsl.Output[kind]) for kind in ARTIFACTS},
    **{f"parameter {kind}": made(a=kind) for kind in (str, int, float, bool, list, dict, List[str], Dict[str, int])},  # noqa: UP006
    **{f"generic {kind}": made(a=kind) for kind in (list[int], dict[str, Any], List[Dict[str, List[int]]])},  # noqa: UP006
    **{f"returns {kind}": made(returns=kind) for kind in (str, int, float, bool, list, dict, List[str])},  # noqa: UP006
    **{
        f"default {value!r}": made(defaults={"a": value}, a=type(value)) for value in ("x", 3, 2.5, True, [1], {"k": 1})
    },
    "optional": made(defaults={"a": None, "b": None}, a=Union[str, None], b=Union[int, None]),  # noqa: UP007
    "optional artifact": made(defaults={"a": None}, a=Union[dsl.Input[dsl.Model], None]),  # noqa: UP007
    "artifact list": made(a=dsl.Input[List[dsl.Model]]),  # noqa: UP006
    "artifact list output": made(a=dsl.Output[List[dsl.Dataset]]),  # noqa: UP006
    "input path": made(a=dsl.InputPath("Dataset")),
    "input path of an artifact": made(a=dsl.InputPath(dsl.Model)),
    "output path": made(a=dsl.OutputPath(str), b=dsl.OutputPath("Model")),
    "output path of a number": made(a=dsl.OutputPath(int)),
    "named tuple": made(returns=NamedTuple("Both", [("size", int), ("model", dsl.Model)])),
    "made named tuple": made(returns=NamedTuple("Outputs", [("a", int), ("b", str), ("c", dsl.Dataset)])),
    "returns an artifact": made(returns=dsl.Dataset),
    "returns an artifact list": made(returns=List[dsl.Dataset]),  # noqa: UP006
    "final status": made(a=str, status=dsl.PipelineTaskFinalStatus),
    "nothing": made(),
    "much": made(a=int, b=dsl.Input[dsl.Dataset], c=dsl.Output[dsl.Model], d=dsl.Output[dsl.Metrics], returns=float),
}

if hasattr(dsl, "TaskConfig"):  # since kfp 2.15
    SIGNATURES["task configuration"] = made(a=str, configuration=dsl.TaskConfig)


def interface(component: Any) -> dict[str, Any]:
    specification = component.component_spec
    return {
        "inputs": specification.inputs,
        "outputs": specification.outputs,
        "task_config_passthroughs": getattr(specification, "task_config_passthroughs", None),
    }


@pytest.mark.parametrize("signature", SIGNATURES)
def test_same_interface_as_kfps_own(signature: str, monkeypatch: pytest.MonkeyPatch) -> None:
    function = SIGNATURES[signature]
    monkeypatch.setattr("inspect.getsource", lambda obj: "def step(): ...")  # which KFP requires
    try:
        theirs = interface(dsl.component(function, base_image="x", target_image="x"))
    except Exception as error:  # what KFP rejects, we reject
        with pytest.raises(ComponentError, match="KFP cannot read the signature"):
            fairing_component(function)
        pytest.skip(f"KFP rejects it: {error}")
    ours = fairing_component(function)
    assert interface(ours) == theirs
    assert ours.python_func is function


def test_embedded_input_is_not_an_input(tmp_path: Path) -> None:
    (tmp_path / "data.txt").write_text("x")
    function = made(a=int, data=dsl.EmbeddedInput[dsl.Dataset])
    component = fairing_component(embedded_artifact_path=str(tmp_path / "data.txt"))(function)
    assert list(component.component_spec.inputs) == ["a"]


def test_string_annotations_are_resolved_where_kfp_fails() -> None:
    def step(a: "int", data: "dsl.Input[dsl.Dataset]", kind: "Word" = "x") -> "Late":  # type: ignore[name-defined]
        return Late(a, [kind])

    Word = str
    component = fairing_component(step)
    assert component.component_spec.inputs["a"].type == "Integer"
    assert component.component_spec.inputs["data"].type == "system.Dataset@0.0.1"
    assert component.component_spec.outputs["words"].type == "List"


UserId = typing.NewType("UserId", int)


def test_optional_unions_and_new_types_are_those_of_kfp() -> None:
    @fairing_component
    def step(user: UserId, depth: int | None = None, names: list | None = None, other: UserId | None = None) -> UserId:
        return user

    inputs = step.component_spec.inputs
    kinds = {name: (one.type, one.optional) for name, one in inputs.items()}
    assert kinds == {
        "user": ("Integer", False),
        "depth": ("Integer", True),
        "names": ("List", True),
        "other": ("Integer", True),
    }
    assert step.component_spec.outputs["Output"].type == "Integer"
    with pytest.raises(ComponentError, match=r"int | str"):

        @fairing_component
        def two(value: int | str) -> None: ...


def test_partial_leaves_the_other_inputs() -> None:
    def step(a: int, b: str, c: float = 1.0) -> str:
        return f"{a}{b}{c}"

    component = fairing_component(name="bound")(functools.partial(step, b="fixed"))
    assert list(component.component_spec.inputs) == ["a", "c"]
    assert component.python_func(a=1) == "1fixed1.0"


def test_functions_without_a_file() -> None:
    space: dict[str, Any] = {}
    exec("def step(a: int) -> int:\n    return a + 1\n", space)
    component = fairing_component(space["step"])
    assert component.name == "step"
    assert component.python_func(1) == 2


def test_lambda_with_a_name() -> None:
    step = lambda: 3  # noqa: E731
    step.__annotations__ = {"return": int}
    assert fairing_component(name="three")(step).python_func() == 3


def test_wrapped_functions_keep_their_signature() -> None:
    def loud(function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)
        def wrapper(*arguments: Any, **named: Any) -> Any:
            return function(*arguments, **named)

        return wrapper

    @fairing_component
    @loud
    def step(a: int) -> int:
        return a

    assert list(step.component_spec.inputs) == ["a"]


def test_the_container_runs_our_command_without_code() -> None:
    @fairing_component(base_image="python:3.12-slim", env={"MODE": "fast"})
    def step(a: int) -> int:
        """Does it."""
        return a

    container = step.component_spec.implementation.container
    assert container.image.startswith("fairing://compile-with-fairing-kfp/step-")
    assert container.command == ["python3", "/opt/fairing/runtime/step.py"]
    assert container.args == ["--executor_input", "{{$}}"]
    assert step.component_spec.description == "Does it."


def source_of(component: Any) -> ComponentSource:
    image = component.component_spec.implementation.container.image
    return placeholders(image)[image]


def test_key_depends_on_name_and_ordinal_and_not_on_content() -> None:
    def make(value: int) -> Any:
        @fairing_component
        def step() -> int:
            return value

        return step

    first, second = source_of(make(1)), source_of(make(2))
    assert first.key != second.key
    assert first.name == second.name == "step"
    assert len(first.key) == 12


def test_options_are_stored_in_the_source() -> None:
    @fairing_component(packages=["a==1"], modules=["lab", typing], platforms=["linux/arm64"], tag="v1", provided=["b"])
    def step() -> None: ...

    source = source_of(step)
    assert isinstance(source.code, FunctionSource)
    assert (source.packages, source.code.modules, source.platforms, source.tag, source.provided) == (
        ("a==1",),
        ("lab", "typing"),
        ("linux/arm64",),
        "v1",
        ("b",),
    )
    assert dataclasses.is_dataclass(source)


def test_works_in_pipelines(tmp_path: Path) -> None:
    @fairing_component
    def count(a: int) -> int:
        return a

    @fairing_component
    def total(values: List[int]) -> int:  # noqa: UP006
        return sum(values)

    @fairing_component
    def end(status: dsl.PipelineTaskFinalStatus) -> None: ...

    @dsl.pipeline
    def inner(n: int) -> int:
        return count(a=n).output

    @dsl.pipeline
    def outer(n: int = 3) -> int:
        with dsl.ExitHandler(end()):
            count(a=n)
        with dsl.ParallelFor([1, 2]) as item:
            task = count(a=item)
            task.set_memory_limit("1G").set_env_variable("X", "y").set_retry(2).set_caching_options(False)
        with dsl.If(n > 2):
            few = inner(n=n)
        with dsl.Else():
            many = count(a=n)
        chosen = dsl.OneOf(few.output, many.output)
        total(values=dsl.Collected(task.output))
        return chosen

    compiler.Compiler().compile(outer, str(tmp_path / "p.yaml"))
    assert len(placeholders((tmp_path / "p.yaml").read_text())) == 3


def test_unknown_placeholders_are_rejected() -> None:
    with pytest.raises(ComponentError, match="is not defined in this process"):
        placeholders("fairing://compile-with-fairing-kfp/gone-0123456789ab")


class Digits:
    def __call__(self) -> None: ...


async def coroutine() -> None: ...


def generator() -> Any:
    yield 1


def positional(a: int, /) -> None: ...


def starred(*a: int) -> None: ...


def unannotated(a) -> None: ...  # type: ignore[no-untyped-def]


def unknown(a: complex) -> None: ...


def unresolved(a: "Nowhere") -> None: ...  # type: ignore[name-defined]  # noqa: F821


def naïve() -> None: ...


@pytest.mark.parametrize(
    ("decorated", "options", "says"),
    [
        (3, {}, "it is a int, not a function"),
        (len, {}, "builtin_function_or_method"),
        (Digits, {}, "the class Digits is not a predictor: it has no method load"),
        (Digits(), {}, "method wrapped in a function"),
        (coroutine, {}, "asyncio.run"),
        (generator, {}, "generator function"),
        (positional, {}, "cannot be passed by keyword"),
        (starred, {}, "cannot be passed by keyword"),
        (unannotated, {}, "the parameter a has no type\n  → annotate it: a: str"),
        (unknown, {}, "the input a is complex, which KFP cannot pass"),
        (unresolved, {}, "'Nowhere' is not defined"),
        (lambda: None, {}, "has no name"),
        (naïve, {}, "KFP does not accept the name 'naïve'"),
        (coroutine.__class__, {}, "the class function is not a predictor: it has no method load"),
        (functools.partial(unknown, 3), {}, "positional"),
        (made(), {"name": "é"}, "KFP does not accept the name"),
        (made(), {"name": "___"}, "KFP does not accept the name"),
        (made(), {"packages": "numpy"}, "packages='numpy' has an unknown format"),
        (made(), {"modules": "lab"}, 'modules=["lab"]'),
        (made(), {"platforms": "linux/arm64"}, 'platforms=["linux/arm64"]'),
        (made(), {"env": {"A B": "x"}}, "'A B'"),
        (
            made(),
            {"env": {"A": 3}},
            "env={'A': …} is not a dictionary of strings by name",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_invalid_functions_and_options_are_rejected(decorated: Any, options: dict[str, Any], says: str) -> None:
    with pytest.raises(ComponentError) as raised:
        fairing_component(**options)(decorated)
    assert says in str(raised.value)
    assert raised.value.remedy


def test_credentials_in_env_are_rejected_and_not_shown() -> None:
    step = fairing_component(env={"API_TOKEN": "q8Zk2vX9pLm3RtY7"})(made())
    with pytest.raises(SecretError, match="API_TOKEN") as raised:
        source_of(step).bundle()
    assert "q8Zk2" not in str(raised.value)


def test_decorating_imports_nothing_of_the_packing_and_does_no_io(tmp_path: Path) -> None:
    program = """
        import sys
        from kfp import dsl
        from fairing_kfp import fairing_component
        opened = []
        sys.addaudithook(lambda event, arguments: opened.append((event, arguments)) if event in (
            "socket.connect", "subprocess.Popen", "os.mkdir", "os.rename") else None)
        @fairing_component(base_image="nowhere.invalid/x", packages=["does-not-exist"])
        def step(a: int) -> int: return a
        @dsl.pipeline
        def all(): step(a=1)
        assert not opened, opened
        late = ("cloudpickle", "fairing_kfp.registry", "fairing_kfp.build")
        heavy = {name for name in sys.modules if name.startswith(late)}
        assert not heavy, heavy
    """
    file = tmp_path / "light.py"
    file.write_text(textwrap.dedent(program))
    done = subprocess.run([sys.executable, str(file)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_artifact_types_are_all_tried() -> None:
    known = {
        kind for kind in vars(artifact_types).values() if isinstance(kind, type) and issubclass(kind, dsl.Artifact)
    }
    assert known <= set(ARTIFACTS)


def test_files_of_a_function_have_absolute_destinations() -> None:
    with pytest.raises(ComponentError, match="a function has no working folder"):

        @fairing_component(files={"a.yaml": "conf/a.yaml"})
        def step() -> None: ...


def test_files_are_a_layer_below_the_code(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("a: 1")

    @fairing_component(files={str(tmp_path / "a.yaml"): "/etc/app/"})
    def step() -> None: ...

    bundle = source_of(step).bundle()
    assert [(file.path, file.data) for file in bundle.placed] == [("etc/app/a.yaml", b"a: 1")]
    assert [layer.name for layer in bundle.layers] == ["files", "code"]
