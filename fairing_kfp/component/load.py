"""`FILE[:NAME]` → a pipeline or predictor: imports the file under the name that `import` gives it."""

from __future__ import annotations

import contextlib
import importlib.machinery
import importlib.util
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import CodeType, ModuleType
from typing import TYPE_CHECKING, Any, TypeVar

from fairing_kfp.component.kfp_import import import_kfp
from fairing_kfp.component.target import Target
from fairing_kfp.errors import FairingError, PipelineError
from fairing_kfp.preprocess.modules.own import NEVER_OWN, canonical_name, import_root, is_installed

if TYPE_CHECKING:
    from fairing_kfp.component.predictor import Predictor

T = TypeVar("T")


class _SourceLoader(importlib.machinery.SourceFileLoader):
    """Compiles the current source: cached byte code counts as current within the second of an edit."""

    def get_code(self, fullname: str) -> CodeType:
        return self.source_to_code(self.get_data(self.path), self.path)


def load_pipeline(target: str) -> Any:
    """Loads a pipeline from `FILE[:NAME]` or `MODULE[:NAME]`; without a name the file's only one.

    Of a notebook, the definitions are loaded, see `load_notebook`.

    Raises:
        PipelineError: the file cannot be imported, or has no pipeline, several, or none of that name. Its cause is
            what the file raised.
    """
    found = Target.parse(target)
    values = _load(found)
    if found.name and hasattr(values.get(found.name), "pipeline_spec"):  # a component runs as a pipeline of one step
        return values[found.name]
    pipelines = {key: value for key, value in values.items() if is_pipeline(value) and not key.startswith("_")}
    components = [key for key, value in values.items() if hasattr(value, "component_spec") and key not in pipelines]
    remedy = "decorate a function with @dsl.pipeline"
    if components:
        remedy += f"; or run a single component: {found.file}:{components[0]}"
    return _choose(pipelines, found.file, found.name, "pipeline", remedy)


def load_pipeline_named(file: Path, name: str) -> Any:
    """Loads the pipeline of a name in KFP from a file.

    Raises:
        PipelineError: the file cannot be imported, or has no such pipeline.
    """
    for value in _load(Target.parse(str(file))).values():
        if hasattr(value, "pipeline_spec") and value.pipeline_spec.pipeline_info.name == name:
            return value
    raise PipelineError(f"{file} has no pipeline {name} any more", "rename it, or give its file: --code FILE")


def load_predictor(target: str) -> Predictor[Any, Any]:
    """Loads a predictor from `FILE[:NAME]`; without a name the file's only one.

    Raises:
        PipelineError: the file cannot be imported, or has no predictor, several, or none of that name.
    """
    from fairing_kfp.component.predictor import Predictor

    found = Target.parse(target)
    predictors = {key: value for key, value in _load(found).items() if isinstance(value, Predictor)}
    return _choose(predictors, found.file, found.name, "predictor", "decorate a class with @fairing_component")


def _choose(found: Mapping[str, T], file: Path, name: str, kind: str, remedy: str) -> T:
    """The value of a name, or the only one.

    Args:
        found: the file's pipelines or predictors by name; one may have several names.
        file: the file.
        name: the name to choose; empty for the only one.
        kind: what they are, for messages.
        remedy: what to do if there are none.
    """
    if name:
        if name not in found:
            raise PipelineError(
                f"{file} has no {kind} {name!r}", f"choose one: {', '.join(found)}" if found else remedy
            )
        return found[name]
    distinct = {id(value): value for value in found.values()}
    if len(distinct) != 1:
        count = f"{len(distinct)} {kind}s: {', '.join(found)}" if distinct else f"no {kind}"
        choices = ", ".join(f"{file}:{name}" for name in found)
        raise PipelineError(f"{file} has {count}", f"choose one: {choices}" if found else remedy)
    return next(iter(distinct.values()))


@contextlib.contextmanager
def separate_modules() -> Iterator[None]:
    """Forgets the user's modules that are imported within, so that another pipeline may have others of their names."""
    modules, path = set(sys.modules), list(sys.path)
    try:
        yield
    finally:
        for name in sys.modules.keys() - modules:
            file = getattr(sys.modules[name], "__file__", None)
            if file and not is_installed(file) and name.partition(".")[0] not in NEVER_OWN:
                del sys.modules[name]
        sys.path[:] = path


def folder_of(target: str) -> Path:
    """The folder of the file in `FILE[:NAME]`, from which settings are looked up."""
    return Target.parse(target).file.parent


def yaml_of(target: str) -> Path:
    """The YAML file for `FILE[:NAME]`, next to it."""
    return Target.parse(target).file.with_suffix(".yaml")


def is_pipeline(value: Any) -> bool:
    """Whether a value is the result of `@dsl.pipeline`."""
    return type(value).__name__ == "GraphComponent" and hasattr(value, "pipeline_spec")


def _load(target: Target) -> Mapping[str, Any]:
    """The values that a file defines, by name."""
    if target.file.suffix == ".ipynb":
        from fairing_kfp.component.notebook_module import load_notebook

        return vars(load_notebook(target.file.absolute()))
    return vars(_import(target.file))


def _import(file: Path) -> ModuleType:
    name = canonical_name("__main__", str(file))
    root = str(import_root(file))
    if root not in sys.path:
        sys.path.insert(0, root)
    loader = _SourceLoader(name, str(file.resolve()))
    specification = importlib.util.spec_from_file_location(name, file.resolve(), loader=loader)
    if specification is None:
        raise PipelineError(f"cannot import {file}", "rename it so that Python can import it")
    module = importlib.util.module_from_spec(specification)
    sys.modules[name] = module
    try:
        import_kfp()
        loader.exec_module(module)
    except FairingError:
        raise
    except (Exception, SystemExit) as error:  # of the user's code
        from fairing_kfp.component.import_error import import_error

        raise import_error(file, error) from error
    return module
