"""Predictors: classes that load a model once and predict often, or functions called once per request.

A predictor is not a step of a pipeline but an argument of `serve`. Its image contains a server.
"""

from __future__ import annotations

import types
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Generic, ParamSpec, TypeVar

from fairing_kfp.component.component_html import predictor_html
from fairing_kfp.component.options import (
    ImageOptions,
    check_absolute,
    check_list,
    component_source,
    module_names,
    valid_name,
)
from fairing_kfp.component.predictor_methods import input_types
from fairing_kfp.frozen import dataclass
from fairing_kfp.option_signature import lists_options
from fairing_kfp.preprocess.source import home_of, new_key, register
from fairing_kfp.settings import BuilderSettingOptions, Settings

if TYPE_CHECKING:
    import os
    from contextlib import AbstractContextManager

    from typing_extensions import Unpack

    from fairing_kfp.cache.store import Cache
    from fairing_kfp.preprocess.source import ComponentSource
    from fairing_kfp.serving.client.endpoint import Endpoint

P = ParamSpec("P")
T = TypeVar("T", covariant=True)


@dataclass(frozen=True, eq=False, repr=False)
class Predictor(Generic[P, T]):
    """A class or function to serve.

    Calling it calls the class or function, so that unit tests need no server. Its attributes are those of the class.

    Attributes:
        source: the source of its image.
        plain: the class or function.
        takes: the input types of `predict`, and of `explain` if the class has it: `any`, `list`, `dict`, `ndarray`,
            `dataframe`, `bytes` or `list[bytes]`; for a `kserve.Model` `{"kserve": "Model"}`.
    """

    _fairing_packed_as: ClassVar[str] = "plain"  # see preprocess.pickle.values

    source: ComponentSource
    plain: Callable[P, T]
    takes: Mapping[str, str]

    @property
    def name(self) -> str:
        """Its name, and by default the model's name in URLs."""
        return self.source.name

    @property
    def placeholder(self) -> str:
        """The placeholder of its image in a pipeline."""
        return self.source.placeholder

    def __call__(self, *arguments: P.args, **named: P.kwargs) -> T:
        """Instantiates the class, or calls the function."""
        return self.plain(*arguments, **named)

    def __getattr__(self, name: str) -> Any:
        """An attribute of the class."""
        if name.startswith("__") or name == "plain":  # `plain` is unset while the predictor is copied
            raise AttributeError(name)
        return getattr(self.plain, name)

    def __repr__(self) -> str:
        """Its name and class or function."""
        return f"Predictor({self.name!r}, {self.plain.__module__}.{getattr(self.plain, '__qualname__', self.name)})"

    def _repr_html_(self) -> str:
        return predictor_html(self.source, self.takes)

    def __mro_entries__(self, bases: tuple[Any, ...]) -> tuple[Any, ...]:
        """Makes it usable as a base class (PEP 560)."""
        return (self.plain,)

    @lists_options(BuilderSettingOptions, described_by=Settings)
    def here(
        self,
        model: str | os.PathLike[str] | None = None,
        *,
        port: int = 0,
        cache: Cache | None = None,
        **settings: Unpack[BuilderSettingOptions],
    ) -> AbstractContextManager[Endpoint]:
        """Serves it on this machine, from the layers of its image: `with Digits.here("model") as endpoint:`.

        Args:
            model: the file or folder that `load` receives.
            port: the port on 127.0.0.1; a free one by default.
            cache: the cache on disk; the user's by default.
            settings: as for `fairing_kfp.compile`.

        Returns:
            A context manager, which stops the server on exit.

        Raises:
            FairingError: it cannot be packed, its packages cannot be resolved, or the model cannot be loaded.
        """
        from fairing_kfp.local.server import serve_locally

        return serve_locally(self.source, model, port=port, cache=cache, **settings)


def make_predictor(
    plain: Any,
    scope: Mapping[str, Any],
    name: str | None,
    modules: Sequence[str | types.ModuleType],
    options: ImageOptions,
) -> Predictor[..., Any]:
    """Makes a predictor from a class or function.

    Args:
        plain: the class or function.
        scope: the local variables where it is decorated.
        name: the predictor's name; None for that of the class.
        modules: own modules to pack in full.
        options: the options of its image.

    Raises:
        ComponentError: a method is missing or has another form, or an option is unknown or malformed.
    """
    from fairing_kfp.preprocess.predictor import PredictorSource

    shown = str(getattr(plain, "__qualname__", repr(plain)))
    name = valid_name(name or str(getattr(plain, "__name__", "")), shown)
    check_list(name, "modules", modules)
    check_absolute(name, options.get("files") or {}, "a predictor")
    takes = input_types(plain, scope, shown)
    code = PredictorSource(plain, takes, module_names(modules))
    source = component_source(code, name, new_key(home_of(plain), plain.__qualname__), options)
    register(source)
    return Predictor(source, plain, takes)
