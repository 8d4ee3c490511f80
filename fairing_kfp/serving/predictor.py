"""A predictor: what is served, a class that loads a model once and predicts often, or a function.

It is no step of a pipeline but a description, which `serve` takes. Its image has a server besides what a step has.
"""

from __future__ import annotations

import contextlib
import inspect
import types
import typing
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, ParamSpec, TypeVar

from fairing_kfp.errors import ComponentError
from fairing_kfp.options import check_list, check_places, module_names, source_of, valid_name
from fairing_kfp.serving.server import inputs
from fairing_kfp.source import home_of, new_key, register

if TYPE_CHECKING:
    import os
    from contextlib import AbstractContextManager

    from fairing_kfp.serving.endpoint import Endpoint
    from fairing_kfp.source import ComponentSource

P = ParamSpec("P")
T = TypeVar("T", covariant=True)

KSERVE = {"kserve": "Model"}
"""Instead of what methods take: the class is KServe's own kind of model, which its own server runs."""

_METHODS = {"load": "model_path", "predict": "instances", "explain": "instances", "preprocess": "instances"}
_METHODS |= {"postprocess": "result", "ready": ""}
"""The methods that count, and what their only argument is called here."""

_HOW = """write it as
      class Digits:
          def load(self, model_path: str) -> None: ...
          def predict(self, instances): ..."""


@dataclass(frozen=True, eq=False)
class Predictor(Generic[P, T]):
    """A class or function that is served.

    Called it gives what the class or function gives, so that unit tests need no server. Its attributes are those of
    the class.

    Attributes:
        source: what its image is made of.
        plain: the class or function itself.
        takes: for `predict` and `explain`, where there is one, what they take: `any`, `list`, `dict`, `ndarray`,
            `dataframe`, `bytes` or `list[bytes]`; for a class of KServe's `{"kserve": "Model"}`.
    """

    source: ComponentSource
    plain: Callable[P, T]
    takes: Mapping[str, str]

    @property
    def name(self) -> str:
        """Its name, and the model's in URLs unless the server is told another."""
        return self.source.name

    @property
    def placeholder(self) -> str:
        """What stands for its image in a pipeline until that is compiled."""
        return self.source.placeholder

    def __call__(self, *arguments: P.args, **named: P.kwargs) -> T:
        """Makes an object of the class, or calls the function."""
        return self.plain(*arguments, **named)

    def __getattr__(self, name: str) -> Any:
        """An attribute of the class."""
        if name.startswith("__") or name == "plain":  # the latter while it is copied
            raise AttributeError(name)
        return getattr(self.plain, name)

    def __mro_entries__(self, bases: tuple[Any, ...]) -> tuple[Any, ...]:
        """Lets it be the base of a class (PEP 560)."""
        return (self.plain,)

    def here(
        self, model: str | os.PathLike[str] | None = None, *, port: int = 0, **settings: Any
    ) -> AbstractContextManager[Endpoint]:
        """Serves it on this machine, from the layers of its image: `with Digits.here("model") as endpoint:`.

        Args:
            model: the file or folder that `load` is given.
            port: of 127.0.0.1; a free one by default.
            settings: as for `fairing_kfp.compile`.

        Returns:
            A context manager; in it the server answers, and the end of it is the server's.

        Raises:
            FairingError: it cannot be packed, its packages cannot be resolved, or the model cannot be loaded.
        """
        from fairing_kfp.serving.here import serving

        return serving(self, model, port=port, **settings)


def predictor_of(
    plain: Any, scope: Mapping[str, Any], name: str | None, modules: Sequence[str | types.ModuleType], options: Any
) -> Any:
    """Makes a predictor of a class or function.

    Args:
        plain: the class or function.
        scope: the local names where it was decorated.
        name: the predictor's; that of the class where it is None.
        modules: own modules to ship whole.
        options: those of the image.

    Raises:
        ComponentError: a method is missing or has another form, or an option is unknown.
        SecretError: a value of `env` looks like a credential.
    """
    from fairing_kfp.preprocess.predictor import PredictorSource

    shown = str(getattr(plain, "__qualname__", repr(plain)))
    named = valid_name(name or str(getattr(plain, "__name__", "")), shown)
    check_list(named, "modules", modules)
    check_places(named, options.get("files") or {}, "a predictor")
    takes = check(plain, scope, shown)
    source = source_of(
        PredictorSource(plain, takes, module_names(modules)),
        named,
        new_key(home_of(plain), plain.__qualname__),
        options,
    )
    register(source)
    return Predictor(source, plain, takes)


def check(plain: Any, scope: Mapping[str, Any], name: str) -> dict[str, str]:
    """What the methods of a class take, or a function.

    Args:
        plain: the class or function.
        scope: the local names where it was decorated.
        name: the predictor's, for messages.

    Raises:
        ComponentError: a method is missing or cannot be called with one argument, or a type is not served.
    """
    if not isinstance(plain, type):
        if not isinstance(plain, types.FunctionType):
            raise ComponentError(f"{name}: {plain!r} is neither a class nor a function", f"serve a function, or {_HOW}")
        taken = _parameter(plain, ["instances"], name, f"def {plain.__name__}(instances)")
        return {"predict": _kind(plain, taken, scope, name) if taken else inputs.ANY}
    if any(base.__module__.partition(".")[0] == "kserve" for base in plain.__mro__):
        return dict(KSERVE)
    for method in ("load", "predict"):
        if not callable(getattr(plain, method, None)):
            raise ComponentError(f"the class {name} has no method {method}, so that it is no predictor", _HOW)
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
            f"the server cannot make a {name}: {error} of __init__", "give the arguments of __init__ defaults"
        ) from None
    except ValueError:  # of a class that is written in C nothing is known
        return


def _method(plain: type, method: str, argument: str, scope: Mapping[str, Any], name: str) -> str:
    """What a method takes; empty for one without an argument."""
    found = inspect.getattr_static(plain, method)
    function = found.__func__ if isinstance(found, (staticmethod, classmethod)) else found
    shown = f"{name}.{method}"
    if not isinstance(function, types.FunctionType):
        raise ComponentError(f"{shown} is not a method, but {found!r}", f"write it as def {method}(self, {argument})")
    before = "" if isinstance(found, staticmethod) else "self"
    given = [one for one in (before, argument) if one]
    parameter = _parameter(function, given, shown, f"def {method}({', '.join(given)})")
    # Of the others what they take does not matter.
    return _kind(function, parameter, scope, shown) if parameter and argument == "instances" else ""


def _parameter(function: Any, given: list[str], shown: str, form: str) -> inspect.Parameter | None:
    """The parameter that gets the last of the arguments, if there are any.

    Raises:
        ComponentError: it cannot be called so, or not in a thread.
    """
    if inspect.iscoroutinefunction(function) or inspect.isgeneratorfunction(function):
        raise ComponentError(
            f"{shown} is a coroutine or generator function, and the server calls it in a thread",
            "write it as a plain function, for example with asyncio.run",
        )
    signature = inspect.signature(function)
    try:
        names = list(signature.bind(*given).arguments)
    except TypeError as error:
        raise ComponentError(
            f"{shown} cannot be called with {' and '.join(given)}: {error}", f"write it as {form}"
        ) from None
    return signature.parameters[names[-1]] if names else None


def _kind(function: Any, parameter: inspect.Parameter, scope: Mapping[str, Any], shown: str) -> str:
    """What an annotation asks for, by its name: numpy and pandas need not be installed where it is decorated."""
    written = parameter.annotation
    if isinstance(written, str):
        with contextlib.suppress(NameError, AttributeError, TypeError, SyntaxError):
            written = typing.get_type_hints(function, localns=dict(scope)).get(parameter.name, written)
    if written in (inspect.Parameter.empty, Any):
        return inputs.ANY
    origin = typing.get_origin(written) or written
    text = written if isinstance(written, str) else f"{origin.__module__}.{origin.__qualname__}"
    last = text.partition("[")[0].rpartition(".")[2]
    if origin is list or last == "list":
        arguments = typing.get_args(written)
        return inputs.BLOBS if arguments == (bytes,) or text == "list[bytes]" else inputs.LIST
    kinds = {"dict": inputs.DICT, "bytes": inputs.BYTES, "ndarray": inputs.ARRAY, "NDArray": inputs.ARRAY}
    kinds |= {"DataFrame": inputs.FRAME, "Sequence": inputs.LIST, "Mapping": inputs.DICT, "object": inputs.ANY}
    if last not in kinds:
        raise ComponentError(
            f"{shown} takes {text}, of which no request can be made",
            "annotate it with list, dict, bytes, list[bytes], np.ndarray or pd.DataFrame, or not at all",
        )
    return kinds[last]
