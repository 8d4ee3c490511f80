"""`FILE[:NAME]` → a pipeline: the file is imported under the name that a plain import gives it."""

from __future__ import annotations

import importlib.machinery
import importlib.util
import sys
from pathlib import Path
from types import CodeType, ModuleType
from typing import TYPE_CHECKING, Any

from fairing_kfp.errors import FairingError, PipelineError
from fairing_kfp.preprocess.modules import canonical_name, import_root

if TYPE_CHECKING:
    from fairing_kfp.serving.predictor import Predictor


_CLASS = "a class with @fairing_component"


class _SourceLoader(importlib.machinery.SourceFileLoader):
    """Compiles the file as it is now: byte code kept beside it is taken for current within the second of an edit."""

    def get_code(self, fullname: str) -> CodeType:
        return self.source_to_code(self.get_data(self.path), self.path)


def load_pipeline(target: str) -> Any:
    """The pipeline that `FILE[:NAME]` names; without a name the file's only one.

    Raises:
        PipelineError: the file cannot be imported, or has no pipeline, or several, or none of that name.
    """
    file, name = _split(target)
    module = _import(file)
    pipelines = {key: value for key, value in vars(module).items() if is_pipeline(value) and not key.startswith("_")}
    if name:
        found = getattr(module, name, None)
        if not is_pipeline(found) and not hasattr(found, "pipeline_spec"):
            raise PipelineError(f"{file} has no pipeline {name!r}", _remedy(pipelines))
        return found
    distinct = {id(value): value for value in pipelines.values()}
    if len(distinct) != 1:
        count = f"{len(distinct)} pipelines: {', '.join(pipelines)}" if distinct else "no pipeline"
        raise PipelineError(f"{file} has {count}", _remedy(pipelines, file))
    return next(iter(distinct.values()))


def load_predictor(target: str) -> Predictor[Any, Any]:
    """The predictor that `FILE[:NAME]` names; without a name the file's only one.

    Raises:
        PipelineError: the file cannot be imported, or has no predictor, or several, or none of that name.
    """
    from fairing_kfp.serving.predictor import Predictor

    file, name = _split(target)
    found = {key: value for key, value in vars(_import(file)).items() if isinstance(value, Predictor)}
    if name:
        if name not in found:
            raise PipelineError(f"{file} has no predictor {name!r}", _remedy(found, what=_CLASS))
        return found[name]
    distinct = {id(value): value for value in found.values()}
    if len(distinct) != 1:
        count = f"{len(distinct)} predictors: {', '.join(found)}" if distinct else "no predictor"
        raise PipelineError(f"{file} has {count}", _remedy(found, file, what=_CLASS))
    return next(iter(distinct.values()))


def folder_of(target: str) -> Path:
    """The folder of the file that `FILE[:NAME]` names, whose project's settings hold."""
    return _split(target)[0].parent


def is_pipeline(value: Any) -> bool:
    """Whether a value is what `@dsl.pipeline` makes."""
    return type(value).__name__ == "GraphComponent" and hasattr(value, "pipeline_spec")


def _split(target: str) -> tuple[Path, str]:
    file, _, name = target.rpartition(":") if ":" in target and not Path(target).exists() else (target, "", "")
    path = Path(file or target)
    if not path.is_file():
        raise PipelineError(
            f"there is no file {path}", "name a Python file that defines a pipeline: FILE.py[:PIPELINE]"
        )
    if path.suffix != ".py":
        raise PipelineError(f"{path} is not a Python file", "name a .py file that defines a pipeline")
    return path, name


def _import(file: Path) -> ModuleType:
    name = canonical_name("__main__", str(file))
    root = str(import_root(file))
    if root not in sys.path:
        sys.path.insert(0, root)
    loader = _SourceLoader(name, str(file.resolve()))
    specification = importlib.util.spec_from_file_location(name, file.resolve(), loader=loader)
    if specification is None:
        raise PipelineError(f"{file} cannot be imported", "give it a name that Python can import")
    module = importlib.util.module_from_spec(specification)
    sys.modules[name] = module
    try:
        loader.exec_module(module)
    except FairingError:
        raise
    except Exception as error:  # whatever the user's file raises
        raise PipelineError(
            f"{file} fails when it is imported: {type(error).__name__}: {error}", f"see that `python {file}` works"
        ) from error
    return module


def _remedy(found: dict[str, Any], file: Path | None = None, what: str = "a function with @dsl.pipeline") -> str:
    if not found:
        return f"decorate {what}"
    names = [f"{file}:{name}" if file else name for name in found]
    return f"name one: {', '.join(names)}"
