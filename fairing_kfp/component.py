"""`@fairing_component`: an ordinary function becomes a KFP component.

KFP itself reads the signature, and KFP's own executor runs the function in the container, so that every type and
every task setting works as it does with `@dsl.component`. What differs is the image: a placeholder, which
`fairing_kfp.compile`, `run` and `explain` replace by the image of the packed function. Decorating does no I/O.
"""

from __future__ import annotations

import os
import sys
import types
import typing
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, Literal, ParamSpec, TypeVar, overload

from fairing_kfp.errors import ComponentError
from fairing_kfp.options import ImageOptions, check_list

if TYPE_CHECKING:
    from kfp.dsl.pipeline_task import PipelineTask
    from typing_extensions import Unpack

    from fairing_kfp.serving.predictor import Predictor

P = ParamSpec("P")
R = TypeVar("R", covariant=True)
C = TypeVar("C")


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


class _Decorator(typing.Protocol):
    """`@fairing_component(…)`: of a class it makes a predictor, of a function a component."""

    @overload
    def __call__(self, decorated: type[C], /) -> Predictor[..., C]: ...  # type: ignore[overload-overlap]  # a class

    @overload
    def __call__(self, decorated: Callable[P, R], /) -> Component[P, R]: ...


class FairingComponent:
    """Makes KFP components: of a function as a decorator, of a script by `from_script`.

    The options of an image are those of `fairing_kfp.options.ImageOptions`: base_image, packages, provided, env,
    platforms, python_version, tag, builder.
    """

    @overload
    def __call__(self, function: type[C], /) -> Predictor[..., C]: ...  # type: ignore[overload-overlap]  # a class

    @overload
    def __call__(self, function: Callable[P, R], /) -> Component[P, R]: ...

    @overload
    def __call__(
        self,
        function: None = None,
        /,
        *,
        serve: Literal[True],
        name: str | None = None,
        modules: Sequence[str | types.ModuleType] = (),
        **options: Unpack[ImageOptions],
    ) -> Callable[[Callable[P, R]], Predictor[P, R]]: ...

    @overload
    def __call__(
        self,
        function: None = None,
        /,
        *,
        name: str | None = None,
        modules: Sequence[str | types.ModuleType] = (),
        embedded_artifact_path: str | None = None,
        task_config_passthroughs: Sequence[Any] | None = None,
        **options: Unpack[ImageOptions],
    ) -> _Decorator: ...

    def __call__(
        self,
        function: Any = None,
        /,
        *,
        serve: bool = False,
        name: str | None = None,
        modules: Sequence[str | types.ModuleType] = (),
        embedded_artifact_path: str | None = None,
        task_config_passthroughs: Sequence[Any] | None = None,
        **options: Any,
    ) -> Any:
        """Makes a KFP component of a function, packed with its helpers, closures and own modules; or of a class a
        predictor, which is served.

        A predictor's class has `load(self, model_path: str)` and `predict(self, instances)`, and may have `preprocess`,
        `postprocess`, `explain` and `ready`. What `predict` takes is decided by its annotation.

        Args:
            function: the function; its parameters and return value are annotated as for `@dsl.component`. Or the class.
            serve: makes a predictor of a function that is called for each request.
            name: the component's name; the function's by default.
            modules: own modules to ship whole, beside those that are found by themselves.
            embedded_artifact_path: a file or folder for a `dsl.EmbeddedInput` parameter.
            task_config_passthroughs: as in `@dsl.component`.
            options: those of the image, see `fairing_kfp.options.ImageOptions`.

        Returns:
            A KFP component; its `python_func` is the function itself. Of a class a `Predictor`; called, it gives an
            object of the class.

        Raises:
            ComponentError: it is not a function, has no usable name, or a type that KFP does not know; or a class lacks
                a method.
            SecretError: a value of `env` looks like a credential.
        """
        from fairing_kfp.function_component import function_component
        from fairing_kfp.serving.predictor import predictor_of

        scope = dict(sys._getframe(1).f_locals)
        embedded = Path(embedded_artifact_path).absolute() if embedded_artifact_path else None

        def decorate(decorated: Any) -> Any:
            if serve or isinstance(decorated, type):
                if embedded or task_config_passthroughs:
                    raise ComponentError(
                        f"{decorated!r} is a predictor, which is no step of a pipeline",
                        "leave embedded_artifact_path= and task_config_passthroughs= out",
                    )
                return predictor_of(decorated, scope, name, modules, options)
            return function_component(decorated, scope, name, modules, embedded, task_config_passthroughs, options)

        return decorate if function is None else decorate(function)

    def from_script(
        self,
        script: str | None = None,
        /,
        *,
        module: str | None = None,
        command: str | None = None,
        arguments: Mapping[str, Any] | None = None,
        root: str | None = None,
        include: Sequence[str] = (),
        exclude: Sequence[str] = (),
        name: str | None = None,
        **options: Unpack[ImageOptions],
    ) -> Any:
        """Makes a KFP component of a script, which stays as it is and runs as its author starts it.

        The arguments that it declares by argparse, click, typer or fire become inputs, without running it. The own
        modules that it imports travel along. Its standard output is the log, and its exit code is the step's.

        Args:
            script: its path; relative ones, these and others, begin at the file that calls.
            module: the name of a module instead, which is run as by `python -m`.
            command: the sub-command to run, where the script has several.
            arguments: what is not in its text, such as artifacts; by the argument as it is written on the command line
                (`"--model"`, `"scans"`) a type (`int`), an annotation of KFP's (`dsl.Output[dsl.Model]`: the script
                gets a path) or a default.
            root: the folder of its files, whose mirror is the step's working folder; that of the script by default,
                and of a module the one that it is imported from.
            include: further files of that folder: names, folders and globs.
            exclude: patterns of what is left out, as in an ignore file.
            name: the component's name; the script's by default.
            options: those of the image, see `fairing_kfp.options.ImageOptions`.

        Returns:
            A KFP component; its `python_func` runs the script here.

        Raises:
            ComponentError: there is no such script, it is not valid Python, or an argument that it wants can neither
                be read nor is declared.
            SecretError: a value of `env` looks like a credential.
        """
        from fairing_kfp.from_script import caller, script_component

        return script_component(
            caller(),
            script,
            module,
            command or "",
            arguments or {},
            root,
            tuple(include),
            tuple(exclude),
            name,
            options,
        )

    def from_notebook(
        self,
        path: str | os.PathLike[str] | None = None,
        /,
        *,
        mode: Literal["full", "script"] = "full",
        arguments: Mapping[str, Any] | None = None,
        include: Sequence[str] = (),
        exclude: Sequence[str] = (),
        modules: Sequence[str | types.ModuleType] = (),
        tags: Sequence[str] = (),
        writefile: bool = False,
        class_name: str | None = None,
        method: str | None = None,
        name: str | None = None,
        **options: Unpack[ImageOptions],
    ) -> Any:
        """Makes a KFP component of a notebook.

        What the cell tagged `parameters` assigns are the inputs. The own modules that it imports travel along. In full
        papermill runs all of it, and whatever happens it gives out the executed `notebook` and a `report` (HTML); where
        a cell failed, the run fails after it. As a script its cells run one after another, without what is no Python:
        magics, shell lines, help.

        Args:
            path: the notebook; relative paths, these and others, begin at the file that calls. In full, by default the
                notebook that calls.
            mode: `full` or `script`.
            arguments: what the notebook does not say, by the names of variables: a type (`int`), a default, an
                annotation of KFP's (`dsl.Output[dsl.Model]`: the variable is the path), or an output parameter
                (`dsl.OutputPath(float)`), which a notebook in full gives by `fairing_kfp.record`.
            include: files of the notebook's folder that it needs: names, folders and globs.
            exclude: patterns of what is left out, as in an ignore file.
            modules: in full, own modules to ship whole, beside those that its cells import.
            tags: as a script, the cells to take: those that have one of these tags. By default those that are marked
                `fairing:include-cell`, else all that are not tagged `skip`.
            writefile: as a script, whether files that its cells write by `%%writefile` travel.
            class_name: as a script, a class of the notebook that is run by fire in the end; the parameters of its
                `__init__` and of the method are then the inputs.
            method: its method; `train` by default, or the only one it has.
            name: the component's name; the notebook's by default.
            options: those of the image, see `fairing_kfp.options.ImageOptions`.

        Returns:
            A KFP component; its `python_func` runs the script here.

        Raises:
            PackError: the notebook cannot be read, or a cell is no valid Python, or needs what was left out.
            ComponentError: it cannot be known which notebook calls, an argument has no usable name or type, or an
                option is not one of the mode.
            SecretError: a value of `env` looks like a credential.
        """
        from fairing_kfp.from_script import caller
        from fairing_kfp.notebook_code import AsCode, notebook_as_code
        from fairing_kfp.notebook_component import notebook_component

        shown = str(path or "from_notebook")
        for option, value in (("tags", tags), ("include", include), ("exclude", exclude)):
            check_list(shown, option, value)
        others: tuple[Any, ...] = (modules,) if mode == "script" else (tags, writefile, class_name, method)
        if mode not in ("full", "script") or any(others) or (mode == "script" and path is None):
            raise ComponentError(
                f"{shown}: mode={mode!r} does not go with the options given",
                'use mode="full", with modules= if need be, or mode="script" of a named notebook, '
                "with tags=, writefile=, class_name= and method=",
            )
        if mode == "script":
            how = AsCode(tuple(tags), writefile, class_name, method)
            named, wanted, left = os.fspath(path or ""), tuple(include), tuple(exclude)
            return notebook_as_code(caller(), named, arguments or {}, how, wanted, left, name, options)
        scope = sys._getframe(1).f_globals
        lists = {"modules": modules, "include": include, "exclude": exclude}
        return notebook_component(scope, path, name, arguments or {}, lists, options)


fairing_component = FairingComponent()
