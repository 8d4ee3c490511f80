"""Functions, and classes with `train`."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from fairing_kfp.classic.constants import constants
from fairing_kfp.classic.functions.function_shim import ObjectType, get_execution_obj_type
from fairing_kfp.classic.preprocessors.base import BasePreProcessor, image_options
from fairing_kfp.errors import ConfigError

if TYPE_CHECKING:
    from fairing_kfp.classic.work.task import Collect
    from fairing_kfp.component.interface import Component


class FunctionPreProcessor(BasePreProcessor):
    """A function, or a class with `train`, with its helpers and own modules.

    Args:
        function_obj: the function or class.
        path_prefix: see `BasePreProcessor`.
        output_map: see `BasePreProcessor`.
        input_files: files that it reads, in its current folder.

    Attributes:
        arguments: positional arguments of the call.
        named: keyword arguments of the call.
        packages: requirements, if there is no `requirements.txt`.

    Raises:
        ConfigError: the object is neither.
    """

    returns: ClassVar[bool] = True

    def __init__(
        self,
        function_obj: Any,
        path_prefix: str = constants.DEFAULT_DEST_PREFIX,
        output_map: Mapping[str, str] | None = None,
        input_files: Collection[str] | None = None,
    ) -> None:
        if get_execution_obj_type(function_obj) is ObjectType.NOT_SUPPORTED and not isinstance(function_obj, type):
            raise ConfigError(
                f"{function_obj!r} is neither a function nor a class with train",
                "pass a function; wrap a method in a function, such as lambda: model.train()",
            )
        super().__init__(output_map=output_map, path_prefix=path_prefix, input_files=input_files)
        self.function_obj = function_obj
        self.arguments: tuple[Any, ...] = ()
        self.named: dict[str, Any] = {}
        self.packages: tuple[str, ...] = ()

    def set_default_executable(self) -> None:
        """Sets nothing, since the function runs."""

    def get_command(self) -> list[str]:
        """The command of the step."""
        from fairing_kfp.preprocess.image_paths import COMMAND

        return list(COMMAND)

    def component(self, options: Mapping[str, Any], *, logged: bool = False) -> Component[..., Any]:
        """The KFP component of the call; see `BasePreProcessor`.

        Raises:
            ConfigError: a class has no `train`, or a file does not exist.
        """
        from fairing_kfp.classic.work.code import CallSource
        from fairing_kfp.classic.work.component import call_component

        if isinstance(self.function_obj, type) and not hasattr(self.function_obj, "train"):
            raise ConfigError(
                f"the class {self.function_obj.__name__} has no method train",
                'add it, or serve the class: set_deployer("serving", serving_class=…)',
            )
        source = CallSource(self.function_obj, self.arguments, self.named, logged)
        return call_component(source, {**options, **image_options(self.files(None), options, self.packages)})

    @property
    def collect(self) -> Collect:
        """Reads what the function returned."""
        from fairing_kfp.classic.work.result import unpickled

        return unpickled

    def served(self, serving_class: str) -> Any:
        """The class itself."""
        return self.function_obj
