"""kfp's sentences about a pipeline's code, in words that name the object, the cause and what to write."""

from __future__ import annotations

import inspect
import re
import traceback
import types
from collections.abc import Mapping
from typing import Any

from fairing_kfp.preprocess.kfp_sentences import SENTENCES, SUPPORTED, TYPES
from fairing_kfp.tracebacks import find_place


class _Shown(str):
    """A group of a sentence; in the format `type`, a type of kfp by its name in Python, and `wanted` a value of it."""

    def __format__(self, form: str) -> str:
        shown = shown_type(self) if form else self
        if form == "wanted" and shown.startswith("dsl."):
            return f"an output of the type {shown}, also of dsl.importer"
        return shown if form in ("type", "wanted") else super().__format__(form)


def translate(error: BaseException) -> tuple[str, str] | None:
    """The message and the remedy of an error that kfp raised about the code of a pipeline; None for other errors.

    Args:
        error: the error, with its traceback.
    """
    frames = [frame for frame, _ in traceback.walk_tb(error.__traceback__)]
    in_kfp = bool(frames) and _is_of_kfp(frames[-1].f_globals)
    text = " ".join(str(error).split())
    for sentence in SENTENCES:
        match = re.match(sentence.pattern, text)
        if match and (in_kfp or "Channel" in text or "Argument" in text):
            groups = [_Shown(group) for group in match.groups()] or [_Shown(text)]
            return sentence.message.format(*groups), sentence.remedy.format(*groups)
    return None


def failing_part(error: BaseException) -> str:
    """The part of a signature that kfp was reading when it failed, for messages; empty if it was at something else."""
    for frame, _ in traceback.walk_tb(error.__traceback__):
        names = frame.f_locals
        if not (_is_of_kfp(frame.f_globals) and frame.f_code.co_name == "get_name_to_specs"):
            continue
        if "return_ann" not in names:
            return f"the parameter {names.get('name')}"
        return f"the output {names.get('name')}" if hasattr(names["return_ann"], "_fields") else "the return type"
    return ""


def decorated_pipeline(error: BaseException) -> types.FunctionType | None:
    """The function whose `@dsl.pipeline` failed; None if the error is another's."""
    for frame, _ in traceback.walk_tb(error.__traceback__):
        if _is_of_kfp(frame.f_globals) and frame.f_code.co_name == "create_graph_component_from_func":
            found = frame.f_locals.get("func")
            return found if isinstance(found, types.FunctionType) else None
    return None


def describe_pipeline_error(error: BaseException, function: types.FunctionType) -> tuple[str, str] | None:
    """What is wrong with a pipeline: the message and the remedy; None if its own code failed.

    Args:
        error: the error, with its traceback.
        function: the function of the pipeline.
    """
    name = f"the pipeline {function.__name__}"
    for parameter in inspect.signature(function).parameters.values():
        if parameter.kind is not parameter.POSITIONAL_OR_KEYWORD:
            return (
                f"{name}: kfp cannot pass the parameter {parameter.name}, since it passes them by position, one by one",
                "use ordinary parameters, without * and / in the signature",
            )
    for part, kind in function.__annotations__.items():
        if isinstance(kind, str):
            shown = "its return type" if part == "return" else f"the type of {part}"
            return (
                f"{name}: {shown} is the text {kind!r}, and kfp does not resolve it",
                "remove `from __future__ import annotations` from this file, or the quotes around the type",
            )
    if isinstance(error, KeyError) and ".outputs[" in getattr(find_place(error), "source", ""):
        return (
            f"{name}: a task has no output {error}",
            "use the names that its component returns, or its dsl.Output has",
        )
    found = translate(error)
    return (f"{name}: {_of_part(error, found[0])}", found[1]) if found else None


def describe_signature_error(error: BaseException) -> tuple[str, str]:
    """What kfp does not support of a component's signature: the message and the remedy.

    Args:
        error: the error, with its traceback.
    """
    message, remedy = translate(error) or (str(error), f"annotate with {SUPPORTED}")
    return _of_part(error, message), remedy


def _of_part(error: BaseException, message: str) -> str:
    part = failing_part(error)
    return message if message.startswith(part) else f"{part}: {message}"


def shown_type(kind: str) -> str:
    """A type of kfp as an author writes it: `int` for `NUMBER_INTEGER`, `dsl.Model` for `system.Model@0.0.1`."""
    items = re.fullmatch(r"List\[(.+)\]", kind)
    if items:
        return f"list[{shown_type(items[1])}]"
    artifact = re.fullmatch(r"system\.(\w+)@[\d.]+", kind)
    return f"dsl.{artifact[1]}" if artifact else TYPES.get(kind, kind)


def _is_of_kfp(names: Mapping[str, Any]) -> bool:
    return str(names.get("__name__", "")).startswith("kfp.")
