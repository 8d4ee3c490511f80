"""KFP components of jobs made by Fairing's calls."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fairing_kfp.classic.work.code import CallSource, ClassicNotebook, ClassicPredictor, ClassicScript
from fairing_kfp.component.interface import Component, Interface, make_component
from fairing_kfp.component.options import component_source, valid_name
from fairing_kfp.component.predictor import Predictor
from fairing_kfp.preprocess.script import call_of
from fairing_kfp.preprocess.source import new_key, register

if TYPE_CHECKING:
    from fairing_kfp.component.options import ImageOptions

_MODULE = "fairing_kfp.classic"


def call_component(source: CallSource, options: ImageOptions | Mapping[str, Any]) -> Component[..., Any]:
    """The component of a function's call.

    Args:
        source: the call.
        options: options of its image.

    Raises:
        ComponentError: an option is malformed.
    """
    shown = str(getattr(source.function, "__name__", source.function))
    parameters = [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, annotation=annotation)
        for name, annotation in source.annotations.items()
    ]
    interface = Interface(shown, tuple(parameters), _no_function, doc=getattr(source.function, "__doc__", None))
    return make_component(source, valid_name(shown, shown), new_key(_MODULE, shown), interface, options)  # type: ignore[arg-type]


def script_component(source: ClassicScript, name: str, options: Mapping[str, Any]) -> Component[..., Any]:
    """The component of a script.

    Args:
        source: the script.
        name: its name.
        options: options of its image.

    Raises:
        ComponentError: an option is malformed.
    """
    name = valid_name(name, source.path)
    interface = Interface(source.path, source.inputs.parameters, call_of(source, name))
    return make_component(source, name, new_key(_MODULE, source.path), interface, options)  # type: ignore[arg-type]


def notebook_component(
    source: ClassicNotebook, interface: Interface, packages: tuple[str, ...], options: Mapping[str, Any]
) -> Component[..., Any]:
    """The component of a notebook that runs in full.

    Args:
        source: the notebook.
        interface: its inputs and outputs.
        packages: requirements, besides those that run the notebook.
        options: options of its image.

    Raises:
        ComponentError: an option is malformed.
    """
    from fairing_kfp.component.notebook import with_papermill

    name = valid_name(source.path.stem, str(source.path))
    given: Any = {**options, "packages": with_papermill(packages, options.get("provided", ()))}
    return make_component(source, name, new_key(_MODULE, str(source.path)), interface, given)


def predictor_of(served: Any, name: str, options: Mapping[str, Any], folder: Path) -> Predictor[..., Any]:
    """The predictor of a class of Fairing's.

    Args:
        served: the class, or the name of a class and its module among the files.
        name: name of the model.
        options: options of its image.
        folder: folder that relative paths start from.

    Raises:
        ComponentError: the class has no `predict`, or an option is malformed.
    """
    source = component_source(ClassicPredictor(served, {"predict": "any"}), name, new_key(_MODULE, name), options)  # type: ignore[arg-type]
    register(source)
    return Predictor(source, served, {"predict": "any"})


def _no_function(**arguments: Any) -> None:
    """The code runs in a step only."""
