"""`@fairing_component`: an ordinary function becomes a KFP component.

KFP itself reads the signature, and KFP's own executor runs the function in the container, so that every type and
every task setting works as it does with `@dsl.component`. What differs is the image: a placeholder, which
`fairing_kfp.compile`, `run` and `explain` replace by the image of the packed function. Decorating does no I/O.
"""

from __future__ import annotations

import inspect
import re
import sys
import types
import typing
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, ParamSpec, TypeVar, overload

from fairing_kfp.errors import ComponentError, SecretError
from fairing_kfp.signature import bound_arguments, plain_function, resolved_annotations
from fairing_kfp.source import ComponentSource, new_key, register

if TYPE_CHECKING:
    from kfp.dsl.pipeline_task import PipelineTask

P = ParamSpec("P")
R = TypeVar("R", covariant=True)


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
    plain = plain_function(function)
    named = _valid_name(name or plain.__name__, plain)
    lists = {"packages": packages, "provided": provided, "modules": modules, "platforms": platforms}
    for option, value in lists.items():
        if isinstance(value, str):
            raise ComponentError(f"{named}: {option}={value!r} is a string", f'give a list: {option}=["{value}"]')
    _check_environment(named, env or {})
    annotations = resolved_annotations(function, plain, named, scope)
    source = ComponentSource(
        key=new_key(plain),
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
    register(source)
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
            if parameter.name not in bound_arguments(source.function)
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


def _check_environment(name: str, env: Mapping[str, str]) -> None:
    from fairing_kfp.preprocess import secrets

    for variable, value in env.items():
        if not isinstance(value, str) or not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_.-]*", variable):
            raise ComponentError(
                f"{name}: env={{{variable!r}: …}} is not a name with a string", "give strings as names and as values"
            )
        if secrets.secret_form(value) or secrets.secret_name(variable, value):
            raise SecretError(f"{name}: the variable {variable} of env= looks like a credential", secrets.REMEDY)
