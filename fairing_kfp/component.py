"""`@fairing_component`: an ordinary function becomes a KFP component.

KFP itself reads the signature, and KFP's own executor runs the function in the container, so that every type and
every task setting works as it does with `@dsl.component`. What differs is the image: a placeholder, which
`fairing_kfp.compile`, `run` and `explain` replace by the image of the packed function. Decorating does no I/O.
"""

from __future__ import annotations

import hashlib
import inspect
import re
import sys
import types
import typing
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, ParamSpec, TypeVar, overload

from fairing_kfp.errors import ComponentError, SecretError

if TYPE_CHECKING:
    from kfp.dsl.pipeline_task import PipelineTask

P = ParamSpec("P")
R = TypeVar("R", covariant=True)

PLACEHOLDER = "fairing://compile-with-fairing-kfp/"
_KEY_LENGTH = 12


class Component(typing.Protocol, Generic[P, R]):
    """A KFP component that still is the function it was made of.

    At run time this is KFP's own component class; calling it inside a pipeline makes a task.
    """

    name: str
    component_spec: Any

    @property
    def python_func(self) -> Callable[P, R]:
        """The plain function, for unit tests."""

    def __call__(self, **arguments: Any) -> PipelineTask:
        """Makes a task of a pipeline."""


@dataclass(frozen=True)
class ComponentSource:
    """What a component was made of: all that is needed to make its image.

    Attributes:
        key: 12 hexadecimal digits from module, qualified name and ordinal, never from content.
        name: its name in KFP, in image tags and in messages.
        function: the function, or a partial of one.
        annotations: its resolved type hints.
    """

    key: str
    name: str
    function: Callable[..., Any]
    annotations: Mapping[str, Any]
    base_image: str | None = None
    packages: tuple[str, ...] = ()
    provided: tuple[str, ...] = ()
    modules: tuple[str, ...] = ()
    env: Mapping[str, str] | None = None
    platforms: tuple[str, ...] = ()
    python_version: str | None = None
    tag: str | None = None
    builder: str | None = None
    embedded: Path | None = None

    @property
    def placeholder(self) -> str:
        """The image name that stands in the pipeline until it is compiled by fairing-kfp."""
        return f"{PLACEHOLDER}{self.name}-{self.key}"


_sources: dict[str, ComponentSource] = {}
_PLACEHOLDER_PATTERN = re.compile(re.escape(PLACEHOLDER) + r"[a-z0-9-]+-([0-9a-f]{12})(?![0-9a-f])")


def placeholders(text: str) -> dict[str, ComponentSource]:
    """The placeholders in a text and the components they stand for, in order of first appearance."""
    found = {match.group(0): _sources.get(match.group(1)) for match in _PLACEHOLDER_PATTERN.finditer(text)}
    for placeholder, source in found.items():
        if source is None:
            raise ComponentError(
                f"the image {placeholder} stands for a component that this process has not defined",
                "compile the pipeline in the process that defines its components, not from YAML",
            )
    return typing.cast("dict[str, ComponentSource]", found)


@overload
def fairing_component(function: Callable[P, R], /) -> Component[P, R]: ...


@overload
def fairing_component(
    function: None = None,
    /,
    *,
    name: str | None = None,
    base_image: str | None = None,
    packages: Sequence[str] = (),
    provided: Sequence[str] = (),
    modules: Sequence[str | types.ModuleType] = (),
    env: Mapping[str, str] | None = None,
    platforms: Sequence[str] = (),
    python_version: str | None = None,
    tag: str | None = None,
    builder: str | None = None,
    embedded_artifact_path: str | None = None,
    task_config_passthroughs: Sequence[Any] | None = None,
) -> Callable[[Callable[P, R]], Component[P, R]]: ...


def fairing_component(function: Any = None, /, **options: Any) -> Any:  # noqa: D417 - the overloads have them
    """Makes a KFP component of a function, packed with its helpers, closures and own modules.

    Args:
        function: the function; its parameters and return value are annotated as for `@dsl.component`.
        name: the component's name; the function's by default.
        base_image: the image below, or `dockerfile:PATH`, the path beginning at this file; its Python minor must be the
            author's. By default `[tool.fairing-kfp] base_image`,
            else the official Python image of the author's minor.
        packages: requirements (PEP 508), shipped as a layer of wheels.
        provided: requirements that the base image holds already, and that are therefore not shipped.
        modules: own modules to ship whole, beside those that are found by themselves.
        env: environment variables of the image.
        platforms: the image's platforms, of which several make an index; `[tool.fairing-kfp] platforms` by default,
            else `linux/amd64`.
        python_version: the base image's Python (`"3.12"`), where its configuration does not say.
        tag: the image's tag; `NAME-<12 digits of its digest>` by default.
        builder: makes the image: `append`, `layout:FOLDER`, `docker`, `podman` or `dry-run`; by default the one that
            the call or the settings name.
        embedded_artifact_path: a file or folder for a `dsl.EmbeddedInput` parameter.
        task_config_passthroughs: as in `@dsl.component`.

    Returns:
        A KFP component; its `python_func` is the function itself.

    Raises:
        ComponentError: it is not a function, has no usable name, or a type that KFP does not know.
        SecretError: a value of `env` looks like a credential.
    """
    frame = sys._getframe(1)
    if function is None:
        return lambda decorated: _component(decorated, dict(frame.f_locals), **options)
    return _component(function, dict(frame.f_locals), **options)


def _component(
    function: Any,
    scope: Mapping[str, Any],
    *,
    name: str | None = None,
    env: Mapping[str, str] | None = None,
    platforms: Sequence[str] = (),
    modules: Sequence[str | types.ModuleType] = (),
    packages: Sequence[str] = (),
    provided: Sequence[str] = (),
    embedded_artifact_path: str | None = None,
    task_config_passthroughs: Sequence[Any] | None = None,
    base_image: str | None = None,
    python_version: str | None = None,
    tag: str | None = None,
    builder: str | None = None,
) -> Any:
    plain = _plain_function(function)
    named = _valid_name(name or plain.__name__, plain)
    lists = {"packages": packages, "provided": provided, "modules": modules, "platforms": platforms}
    for option, value in lists.items():
        if isinstance(value, str):
            raise ComponentError(f"{named}: {option}={value!r} is a string", f'give a list: {option}=["{value}"]')
    _check_environment(named, env or {})
    annotations = _annotations(function, plain, named, scope)
    source = ComponentSource(
        key=_new_key(plain),
        name=named,
        function=function,
        annotations=annotations,
        env=dict(env or {}),
        platforms=tuple(platforms),
        modules=tuple(module if isinstance(module, str) else module.__name__ for module in modules),
        packages=tuple(packages),
        provided=tuple(provided),
        embedded=Path(embedded_artifact_path).absolute() if embedded_artifact_path else None,
        base_image=base_image,
        python_version=python_version,
        tag=tag,
        builder=builder,
    )
    component = _kfp_component(source, plain, task_config_passthroughs)
    _sources[source.key] = source
    return component


def _kfp_component(source: ComponentSource, plain: types.FunctionType, passthroughs: Sequence[Any] | None) -> Any:
    """Lets kfp read a stand-in that has the function's signature, and puts our image and command in its place.

    The stand-in has a source file and resolved annotations, which kfp needs and a function of a REPL, a partial or
    `from __future__ import annotations` has not.
    """
    from kfp import dsl  # heavy: half a second

    from fairing_kfp.preprocess.places import COMMAND

    def stand_in() -> None: ...

    signature = inspect.signature(source.function, eval_str=False)
    stand_in.__name__ = source.name.replace("-", "_")
    stand_in.__doc__ = plain.__doc__
    stand_in.__annotations__ = dict(source.annotations)
    stand_in.__signature__ = signature.replace(  # type: ignore[attr-defined]
        parameters=[
            parameter.replace(annotation=source.annotations.get(parameter.name, parameter.annotation))
            for parameter in signature.parameters.values()
            if parameter.name not in _bound(source.function)
        ],
        return_annotation=source.annotations.get("return", inspect.Signature.empty),
    )
    try:
        component = dsl.component(
            stand_in,
            base_image=source.placeholder,
            target_image=source.placeholder,
            task_config_passthroughs=list(passthroughs) if passthroughs else None,
        )
    except (TypeError, ValueError, AttributeError) as error:
        raise ComponentError(
            f"the signature of {source.name} ({plain.__module__}.{plain.__qualname__}) cannot be read by KFP: {error}",
            "annotate every parameter and the return value with a type that KFP knows: "
            "str, int, float, bool, list, dict, or an artifact such as dsl.Output[dsl.Model]",
        ) from error
    container = component.component_spec.implementation.container
    container.command = list(COMMAND)
    container.args = ["--executor_input", dsl.PIPELINE_TASK_EXECUTOR_INPUT_PLACEHOLDER]
    component.python_func = source.function
    return component


def _plain_function(function: Any) -> types.FunctionType:
    plain = function
    while isinstance(plain, partial):
        if plain.args:
            raise ComponentError(f"{plain!r} binds positional arguments", "bind them by keyword, as KFP passes them")
        plain = plain.func
    if not isinstance(plain, types.FunctionType):
        kind = "class" if isinstance(function, type) else type(function).__name__
        raise ComponentError(
            f"@fairing_component was put on {function!r}, a {kind}, not a function",
            "decorate a function (def …)" + (", or a method wrapped in a function" if callable(function) else ""),
        )
    if inspect.iscoroutinefunction(plain) or inspect.isgeneratorfunction(plain) or inspect.isasyncgenfunction(plain):
        raise ComponentError(
            f"{plain.__qualname__} is a coroutine or generator function, which KFP's executor cannot run",
            "wrap it in a plain function, for example with asyncio.run",
        )
    for parameter in inspect.signature(plain).parameters.values():
        if parameter.kind in (parameter.POSITIONAL_ONLY, parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
            raise ComponentError(
                f"the parameter {parameter} of {plain.__qualname__} cannot be passed by name",
                "KFP passes every input by name: use ordinary parameters",
            )
    return plain


def _valid_name(name: str, plain: types.FunctionType) -> str:
    """The name as KFP and image tags take it: small letters, digits and dashes (RFC 1123 label)."""
    if name == "<lambda>":
        raise ComponentError(
            f"a lambda of {plain.__module__} has no name", 'give one: fairing_component(name="…")(lambda …)'
        )
    valid = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")
    if not valid or not name.isascii():
        raise ComponentError(
            f"KFP refuses the name {name!r} of {plain.__module__}.{plain.__qualname__}",
            'give one of letters, digits and dashes: @fairing_component(name="…")',
        )
    return valid


def _annotations(function: Any, plain: types.FunctionType, name: str, scope: Mapping[str, Any]) -> dict[str, Any]:
    """The resolved hints of the parameters that stay inputs; a partial's bound arguments are part of the code."""
    free = dict(zip(plain.__code__.co_freevars, plain.__closure__ or (), strict=True))
    closed = {}
    for variable, cell in free.items():
        try:
            closed[variable] = cell.cell_contents
        except ValueError:  # not bound yet
            continue
    try:
        hints = typing.get_type_hints(plain, localns={**scope, **closed}, include_extras=True)
        hints = {key: _resolved_fields(hint, scope) for key, hint in hints.items()}
    except (NameError, AttributeError, TypeError, SyntaxError) as error:
        raise ComponentError(
            f"a type in the signature of {name} ({plain.__module__}.{plain.__qualname__}) cannot be resolved: {error}",
            "import it where the function is defined, at run time too",
        ) from error
    if hints.get("return") is type(None):  # `-> None`, which KFP knows as nothing
        del hints["return"]
    return {key: hint for key, hint in hints.items() if key not in _bound(function)}


def _resolved_fields(hint: Any, scope: Mapping[str, Any]) -> Any:
    """A NamedTuple whose fields are types where they were strings; anything else as it is."""
    fields = getattr(hint, "__annotations__", {}) if hasattr(hint, "_fields") else {}
    if not any(isinstance(kind, (str, typing.ForwardRef)) for kind in fields.values()):
        return hint
    resolved = typing.get_type_hints(hint, localns=dict(scope), include_extras=True)
    made: Any = typing.NamedTuple(hint.__name__, [(name, resolved[name]) for name in hint._fields])  # type: ignore[misc]
    made.__module__ = hint.__module__
    return made


def _bound(function: Any) -> set[str]:
    bound: set[str] = set()
    while isinstance(function, partial):
        bound |= set(function.keywords)
        function = function.func
    return bound


def _check_environment(name: str, env: Mapping[str, str]) -> None:
    from fairing_kfp.preprocess import secrets

    for variable, value in env.items():
        if not isinstance(value, str) or not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_.-]*", variable):
            raise ComponentError(
                f"{name}: env={{{variable!r}: …}} is not a name with a string", "give strings as names and as values"
            )
        if secrets.secret_form(value) or secrets.secret_name(variable, value):
            raise SecretError(f"{name}: the variable {variable} of env= looks like a credential", secrets.REMEDY)


def _new_key(plain: types.FunctionType) -> str:
    from fairing_kfp.preprocess.modules import canonical_name

    module = plain.__module__ or "__main__"
    canonical = canonical_name(module, getattr(sys.modules.get(module), "__file__", None))
    for ordinal in range(len(_sources) + 1):
        text = f"{canonical}\0{plain.__qualname__}\0{ordinal}"
        key = hashlib.sha256(text.encode()).hexdigest()[:_KEY_LENGTH]
        if key not in _sources:
            return key
    raise AssertionError("more keys than components")
