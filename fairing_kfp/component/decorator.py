"""`@fairing_component`: makes KFP components from functions, classes, scripts and notebooks.

KFP itself reads the signature, and KFP's executor runs the function in the container, so that all types and task
settings work as with `@dsl.component`. The image is a placeholder, which `fairing_kfp.compile`, `run` and `explain`
replace by the image of the packed code.
"""

from __future__ import annotations

import os
import sys
import types
import typing
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, ParamSpec, TypeVar, overload

from fairing_kfp.component.options import ImageOptions, check_declaration
from fairing_kfp.errors import ComponentError
from fairing_kfp.option_signature import lists_options
from fairing_kfp.pipeline.pipeline_html import register_pipelines

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from fairing_kfp.component.interface import Component
    from fairing_kfp.component.predictor import Predictor

P = ParamSpec("P")
R = TypeVar("R", covariant=True)
C = TypeVar("C")


class _Decorator(typing.Protocol):
    """The result of `@fairing_component(…)`: makes a predictor from a class, a component from a function."""

    @overload
    def __call__(self, decorated: type[C], /) -> Predictor[..., C]: ...  # type: ignore[overload-overlap]  # a class

    @overload
    def __call__(self, decorated: Callable[P, R], /) -> Component[P, R]: ...


class FairingComponent:
    """Makes KFP components: as a decorator from a function or class, by its methods from a script or notebook."""

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

    @lists_options(ImageOptions)
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
        **options: Unpack[ImageOptions],
    ) -> Any:
        """Makes a KFP component from a function, or a predictor from a class.

        A function is packed with its helpers, closures and own modules. A predictor's class has
        `load(self, model_path: str)` and `predict(self, instances)`, and optionally `preprocess`, `postprocess`,
        `explain` and `ready`. The annotation of `instances` selects the type that requests are converted to.

        Args:
            function: the function, annotated as for `@dsl.component`; or the class.
            serve: whether to make a predictor from a function, which is called once per request.
            name: the component's name; the function's by default.
            modules: own modules to pack in full, in addition to those that the code imports.
            embedded_artifact_path: the file or folder of a `dsl.EmbeddedInput` parameter.
            task_config_passthroughs: as in `@dsl.component`.
            options: the options of its image, see `fairing_kfp.ImageOptions`.

        Returns:
            A KFP component, whose `python_func` is the function; or a `Predictor`.

        Raises:
            ComponentError: the object is not a function, its name cannot be used, KFP does not support a type, or a
                class lacks a method.
        """
        from fairing_kfp.component.function import function_component

        scope = dict(sys._getframe(1).f_locals)
        given = {"name": name, "modules": modules, "serve": serve, "embedded_artifact_path": embedded_artifact_path}

        def decorate(decorated: Any) -> Any:
            shown = name if isinstance(name, str) else getattr(decorated, "__name__", "fairing_component")
            check_declaration(shown, options, **given)
            embedded = Path(embedded_artifact_path).absolute() if embedded_artifact_path else None
            if serve or isinstance(decorated, type):
                if embedded or task_config_passthroughs:
                    raise ComponentError(
                        f"{decorated!r} is a predictor, not a step of a pipeline",
                        "omit embedded_artifact_path= and task_config_passthroughs=",
                    )
                from fairing_kfp.component.predictor import make_predictor

                return make_predictor(decorated, scope, name, modules, options)
            return function_component(decorated, scope, name, modules, embedded, task_config_passthroughs, options)

        return decorate if function is None else decorate(function)

    @lists_options(ImageOptions)
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
    ) -> Component[..., Any]:
        """Makes a KFP component from a script, which runs unchanged in a process of its own.

        The arguments that it declares become inputs; they are read from its source without running it, for argparse,
        click, typer, fire, tyro, simple_parsing, absl, hydra and others. Own modules that it imports are packed with
        it. Its output is the step's log, and its exit code the step's.

        Args:
            script: its path. This and other relative paths start at the folder of the calling file.
            module: a module to run instead, as by `python -m`.
            command: the sub-command to run, if the script has several; words separated by spaces for groups in groups.
            arguments: arguments that are not in its source, such as artifacts. Keys are names as on the command line
                (`"--model"`, `"scans"`, or `"model.lr"` for hydra); values are a type (`int`), a default, or a KFP
                annotation (`dsl.Output[dsl.Model]`: the script receives a path; it is that of an existing folder if
                the key ends in a slash).
            root: the root folder of its files, which is copied as the step's working folder. By default the script's
                folder, or the folder that a module is imported from.
            include: further files of that folder: names, folders and globs.
            exclude: patterns of files to leave out, as in an ignore file.
            name: the component's name; the script's by default.
            options: the options of its image, see `fairing_kfp.ImageOptions`.

        Returns:
            A KFP component, whose `python_func` runs the script here.

        Raises:
            ComponentError: the script does not exist or is not valid Python, or a required argument can neither be
                read from it nor is declared.
        """
        from fairing_kfp.component.caller import find_caller
        from fairing_kfp.component.script import script_component

        shown, texts = str(script or module or "from_script"), {"module": module, "command": command, "root": root}
        lists = {"include": include, "exclude": exclude}
        check_declaration(shown, options, script=script, name=name, arguments=arguments, **texts, **lists)
        return script_component(
            find_caller(),
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

    @lists_options(ImageOptions)
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
        shell: bool = False,
        class_name: str | None = None,
        method: str | None = None,
        name: str | None = None,
        **options: Unpack[ImageOptions],
    ) -> Component[..., Any]:
        """Makes a KFP component from a notebook.

        The variables of the cell tagged `parameters` are inputs. Own modules that it imports are packed with it. In
        full mode papermill runs all cells. The step always has the outputs `notebook` (the executed notebook) and
        `report` (the same as HTML); if a cell fails, the run fails after the step. In script mode the cells run as one
        script, without magics and shell commands.

        Args:
            path: the notebook. This and other relative paths start at the folder of the calling file. In full mode the
                running notebook by default.
            mode: `full` or `script`.
            arguments: by variable, a type (`int`), a default, a KFP annotation (`dsl.Output[dsl.Model]`: the variable
                is a path), or an output parameter (`dsl.OutputPath(float)`), which a notebook in full mode sets with
                `fairing_kfp.record`.
            include: files of the notebook's folder that it needs: names, folders and globs.
            exclude: patterns of files to leave out, as in an ignore file.
            modules: in full mode, own modules to pack in full, in addition to those that its cells import.
            tags: in script mode, selects the cells that have any of these tags. By default the cells marked
                `fairing:include-cell` are used, or all cells not tagged `skip` if there are none.
            writefile: in script mode, whether files that cells write with `%%writefile` are packed.
            shell: in script mode, whether `!command` and `lines = !command` run by the image's shell. Those that
                install packages are always left out.
            class_name: in script mode, a class of the notebook to run with fire after the cells. The parameters of its
                `__init__` and of the method are the inputs.
            method: the method to run; by default `train`, or the only one.
            name: the component's name; the notebook's by default.
            options: the options of its image, see `fairing_kfp.ImageOptions`.

        Returns:
            A KFP component. In script mode its `python_func` runs the script here.

        Raises:
            PackError: the notebook cannot be read, a cell is not valid Python, or it needs code that is left out.
            ComponentError: the running notebook is unknown, the name or type of an argument cannot be used, or an
                option does not exist in this mode.
        """
        from fairing_kfp.component.caller import find_caller
        from fairing_kfp.component.notebook import notebook_component
        from fairing_kfp.component.notebook_script import CodeSelection, notebook_script_component

        shown = str(path or "from_notebook")
        lists: dict[str, Any] = {"modules": modules, "include": include, "exclude": exclude}
        names = {
            "name": name,
            "class_name": class_name,
            "method": method,
            "writefile": writefile,
            "shell": shell,
            "tags": tags,
        }
        check_declaration(shown, options, path=path, arguments=arguments, **lists, **names)
        others: tuple[Any, ...] = (modules,) if mode == "script" else (tags, writefile, shell, class_name, method)
        if mode not in ("full", "script") or any(others) or (mode == "script" and path is None):
            raise ComponentError(
                f"{shown}: mode={mode!r} cannot be combined with these options",
                'use mode="full", optionally with modules=; or give the notebook\'s path and mode="script", '
                "optionally with tags=, writefile=, shell=, class_name= and method=",
            )
        if mode == "script":
            selection = CodeSelection(tuple(tags), writefile, shell, class_name, method)
            return notebook_script_component(
                find_caller(),
                os.fspath(path or ""),
                arguments or {},
                selection,
                tuple(include),
                tuple(exclude),
                name,
                options,
            )
        return notebook_component(find_caller(), path, name, arguments or {}, lists, options)


fairing_component = FairingComponent()

register_pipelines()
