"""Methods of predictors: checks them, and reads the types that requests are converted to from their annotations."""

from __future__ import annotations

import contextlib
import inspect
import types
import typing
from collections.abc import Mapping
from typing import Any

from fairing_kfp.errors import ComponentError
from fairing_kfp.preprocess.aliases import without_aliases
from fairing_kfp.serving.server import inputs

KSERVE = {"kserve": "Model"}
"""The input types of a `kserve.Model`, which KServe's own server runs."""

_METHODS = {"load": "model_path", "predict": "instances", "explain": "instances", "preprocess": "instances"}
_METHODS |= {"postprocess": "result", "ready": ""}
"""The methods of a predictor, each with the name of its argument."""

_FORM = """write it as
      class Digits:
          def load(self, model_path: str) -> None: ...
          def predict(self, instances): ..."""


def input_types(plain: Any, scope: Mapping[str, Any], name: str) -> dict[str, str]:
    """Reads the input types of a class or function.

    Args:
        plain: the class or function.
        scope: the local variables where it is decorated.
        name: its name, for messages.

    Returns:
        For `predict`, and `explain` if the class has it, one of the types of `fairing_kfp.serving.server.inputs`.

    Raises:
        ComponentError: a method is missing or cannot be called with one argument, or requests cannot be converted to
            the type.
    """
    if not isinstance(plain, type):
        if not isinstance(plain, types.FunctionType):
            raise ComponentError(
                f"{name}: {plain!r} is neither a class nor a function", f"serve a function, or {_FORM}"
            )
        taken = _parameter(plain, ["instances"], name, f"def {plain.__name__}(instances)")
        return {"predict": _kind(plain, taken, scope, name) if taken else inputs.ANY}
    if any(base.__module__.partition(".")[0] == "kserve" for base in plain.__mro__):
        return dict(KSERVE)
    for method in ("load", "predict"):
        if not callable(getattr(plain, method, None)):
            raise ComponentError(f"the class {name} is not a predictor: it has no method {method}", _FORM)
    _check_constructor(plain, name)
    found = {}
    for method, argument in _METHODS.items():
        if hasattr(plain, method):
            found[method] = _method(plain, method, argument, scope, name)
    first = found.get("preprocess")
    return {verb: first or found[verb] for verb in ("predict", "explain") if verb in found}


def _check_constructor(plain: type, name: str) -> None:
    try:
        inspect.signature(plain).bind()
    except TypeError as error:
        raise ComponentError(
            f"the server cannot instantiate {name}: {error} of __init__", "give all parameters of __init__ defaults"
        ) from None
    except ValueError:  # a class written in C has no signature
        return


def _method(plain: type, method: str, argument: str, scope: Mapping[str, Any], name: str) -> str:
    """The input type of a method; empty unless it receives instances."""
    found = inspect.getattr_static(plain, method)
    function = found.__func__ if isinstance(found, (staticmethod, classmethod)) else found
    shown = f"{name}.{method}"
    if not isinstance(function, types.FunctionType):
        raise ComponentError(f"{shown} is not a method but {found!r}", f"write it as def {method}(self, {argument})")
    before = "" if isinstance(found, staticmethod) else "self"
    given = [one for one in (before, argument) if one]
    parameter = _parameter(function, given, shown, f"def {method}({', '.join(given)})")
    return _kind(function, parameter, scope, shown) if parameter and argument == "instances" else ""


def _parameter(function: Any, given: list[str], shown: str, form: str) -> inspect.Parameter | None:
    """The parameter that receives the last of some positional arguments; None without arguments.

    Args:
        function: the function.
        given: names of the arguments.
        shown: its name, for messages.
        form: its expected form, for messages.

    Raises:
        ComponentError: the function cannot be called with these arguments, or not in a thread.
    """
    if inspect.iscoroutinefunction(function) or inspect.isasyncgenfunction(function):
        raise ComponentError(
            f"{shown} is an async function, which the server cannot call in a thread",
            "write it as a plain function or generator, for example with asyncio.run",
        )
    if inspect.isgeneratorfunction(function) and given[-1] != "instances":
        raise ComponentError(f"{shown} is a generator, and its code would not run", "write it without yield")
    signature = inspect.signature(function)
    try:
        names = list(signature.bind(*given).arguments)
    except TypeError as error:
        raise ComponentError(
            f"{shown} cannot be called with {' and '.join(given)}: {error}", f"write it as {form}"
        ) from None
    return signature.parameters[names[-1]] if names else None


def _kind(function: Any, parameter: inspect.Parameter, scope: Mapping[str, Any], shown: str) -> str:
    """The input type of an annotation, found by name, since numpy and pandas may not be installed here."""
    written = parameter.annotation
    if isinstance(written, str):
        with contextlib.suppress(NameError, AttributeError, TypeError, SyntaxError):
            written = typing.get_type_hints(function, localns=dict(scope)).get(parameter.name, written)
    written = without_aliases(written)
    if written in (inspect.Parameter.empty, Any):
        return inputs.ANY
    origin = typing.get_origin(written) or written
    name = getattr(origin, "__qualname__", None) or repr(origin)
    text = written if isinstance(written, str) else f"{getattr(origin, '__module__', 'typing')}.{name}"
    last = text.partition("[")[0].rpartition(".")[2]
    if origin is list or last == "list":
        arguments = typing.get_args(written)
        return inputs.BLOBS if arguments == (bytes,) or text == "list[bytes]" else inputs.LIST
    kinds = {"dict": inputs.DICT, "bytes": inputs.BYTES, "ndarray": inputs.ARRAY, "NDArray": inputs.ARRAY}
    kinds |= {"DataFrame": inputs.FRAME, "Sequence": inputs.LIST, "Mapping": inputs.DICT, "object": inputs.ANY}
    if last not in kinds:
        raise ComponentError(
            f"{shown} takes {text}, and a request cannot be converted to it",
            "annotate it with list, dict, bytes, list[bytes], np.ndarray or pd.DataFrame, or leave the annotation out",
        )
    return kinds[last]
