"""Calls the functions of steps in this process: debuggers of editors, `breakpoint()` and coverage see them."""

from __future__ import annotations

import contextlib
import functools
import inspect
import os
import traceback
import types
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from fairing_kfp.errors import PipelineError
from fairing_kfp.local.image import LocalImage
from fairing_kfp.local.launch import Launch
from fairing_kfp.preprocess.function import FunctionSource
from fairing_kfp.preprocess.source import ComponentSource
from fairing_kfp.runtime.results import PassingError, check_outputs
from fairing_kfp.runtime.typed_function import TypedFunction

_OURS = ("fairing_kfp.", "kfp.dsl")


def in_process_image(source: ComponentSource) -> LocalImage:
    """Has the steps of a component call its function: its code is not packed, and its packages are this Python's.

    Raises:
        PipelineError: the component is a script or a notebook.
    """
    code = source.code
    if not isinstance(code, FunctionSource):
        raise PipelineError(
            f"{source.name} is not a function, so it cannot be called in this process", "run it without --in-process"
        )
    call = functools.partial(_call, source.name, code)
    launch = Launch(source.name, "in-process", [], dict(source.env or {}), call=call)
    return LocalImage(f"fairing.local/{source.name}", launch)


def _call(
    name: str,
    code: FunctionSource,
    executor_input: Mapping[str, Any],
    env: Mapping[str, str],
    log_line: Callable[[str], None],
) -> int:
    """Calls a function by KFP's executor, and returns the exit code of its step; its prints go to standard output."""
    from kfp.dsl.executor import Executor

    function: Any = code.function
    if code.types or code.returned:
        function = TypedFunction(name, function, dict(code.types), code.returned)
    with _environment(env):
        try:
            executor = Executor(executor_input, _adapted(function, code))
            check_outputs(executor)
            executor.execute()
        except PassingError as error:
            log_line(f"fairing-kfp: {error}")
            return 1
        except Exception as error:  # of the user's code
            for line in traceback.format_exception(type(error), error, _user_frames(error)):
                for one in line.rstrip("\n").splitlines():
                    log_line(one)
            return 1
    return 0


def _user_frames(error: BaseException) -> Any:
    """The traceback from the user's first frame on; the whole traceback if there is none."""
    frames = error.__traceback__
    while frames is not None and str(frames.tb_frame.f_globals.get("__name__", "")).startswith(_OURS):
        frames = frames.tb_next
    return frames or error.__traceback__


def _adapted(function: Any, code: FunctionSource) -> types.FunctionType:
    """The function with the signature and the globals that KFP's executor reads."""

    def call(**arguments: Any) -> Any:
        return function(**arguments)

    made = types.FunctionType(call.__code__, {**globals(), **_embedded(code)}, None, None, call.__closure__)
    made.__name__ = getattr(function, "__name__", "function")
    made.__annotations__ = dict(code.annotations)
    parameters = {name: one for name, one in code.annotations.items() if name != "return"}
    kind = inspect.Parameter.KEYWORD_ONLY
    made.__signature__ = inspect.Signature(  # type: ignore[attr-defined]
        [inspect.Parameter(name, kind, annotation=one) for name, one in parameters.items()],
        return_annotation=code.annotations.get("return", inspect.Signature.empty),
    )
    return made


def _embedded(code: FunctionSource) -> dict[str, str]:
    """The globals from which KFP's executor reads a `dsl.EmbeddedInput`."""
    if code.embedded is None:
        return {}
    if code.embedded.is_dir():
        return {"__KFP_EMBEDDED_ASSET_DIR": str(code.embedded)}
    folder = str(code.embedded.parent)
    return {"__KFP_EMBEDDED_ASSET_DIR": folder, "__KFP_EMBEDDED_ASSET_FILE": str(code.embedded)}


@contextlib.contextmanager
def _environment(env: Mapping[str, str]) -> Iterator[None]:
    """Sets environment variables of this process."""
    before = {name: os.environ.get(name) for name in env}
    os.environ.update(env)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
