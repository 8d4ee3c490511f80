"""What a pipeline's file did wrong when it was imported: the object, the cause, and what to do."""

from __future__ import annotations

import inspect
from pathlib import Path

from fairing_kfp.errors import PipelineError
from fairing_kfp.preprocess.defaults import wrong_default
from fairing_kfp.preprocess.kfp_errors import decorated_pipeline, describe_pipeline_error, translate

_LONGEST = 300
_LATER = 'put what is not for import below `if __name__ == "__main__":`'


def import_error(file: Path | str, error: BaseException) -> PipelineError:
    """The error for a file that cannot be imported. Its cause is to be the original, from which the line is shown.

    Args:
        file: the file, or the module.
        error: what it raised.
    """
    pipeline = decorated_pipeline(error)
    if pipeline:
        wrong = wrong_default(inspect.signature(pipeline).parameters.values())
        if wrong:
            return PipelineError(f"the pipeline {pipeline.__name__}: {wrong[0]}", wrong[1])
    found = describe_pipeline_error(error, pipeline) if pipeline else translate(error)
    if found:
        return PipelineError(*found)
    if isinstance(error, SyntaxError):
        where = f"line {error.lineno} of {Path(error.filename).name}" if error.filename else "the line"
        return PipelineError(f"{file} is not valid Python: {error.msg}", f"correct {where}")
    if isinstance(error, SystemExit):
        return PipelineError(f"{file} ends with {error!r} when it is imported", _LATER)
    if isinstance(error, ModuleNotFoundError) and error.name:
        return PipelineError(
            f"cannot import {file}: the module {error.name} is not installed here",
            "install the package that has it; or import it in the function that needs it, since packages= are "
            "installed in the step only",
        )
    what = f"the pipeline {pipeline.__name__} in {file} fails" if pipeline else f"cannot import {file}"
    text = " ".join(str(error).split())
    text = text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"
    raised = f"{type(error).__name__}: {text}" if text else type(error).__name__
    return PipelineError(f"{what}: {raised}", "correct the code at that line")
