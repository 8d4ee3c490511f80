"""The code of jobs and servers made by Fairing's calls: bundles with a stand-in for those calls."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, ClassVar

from fairing_kfp.classic.work.in_step import FOLDER, functions_of
from fairing_kfp.image.layer import File
from fairing_kfp.preprocess.bundle import Bundle
from fairing_kfp.preprocess.function import folder_of, pack
from fairing_kfp.preprocess.image_paths import CODE
from fairing_kfp.preprocess.notebook import NotebookSource
from fairing_kfp.preprocess.predictor import PredictorSource
from fairing_kfp.preprocess.script import ScriptSource

_MODULE = "fairing_kfp_classic_stand_in"


@dataclass(frozen=True)
class CallSource:
    """A call to pack: a function, or a class with `train`, and its arguments.

    Attributes:
        function: the function or class.
        arguments: positional arguments.
        named: keyword arguments.
        logged: whether the result is also written into the log.
    """

    is_file: ClassVar[bool] = False
    needs_gate: ClassVar[bool] = False

    function: Any
    arguments: tuple[Any, ...] = ()
    named: Mapping[str, Any] = field(default_factory=dict)
    logged: bool = False

    @property
    def folder(self) -> Path:
        """The folder of its file."""
        return folder_of(self.function)

    @property
    def annotations(self) -> dict[str, Any]:
        """The type hints of the step: one output, with the pickled result."""
        from kfp import dsl

        return {"result": dsl.Output[dsl.Artifact]}

    def bundle(self, name: str, allow: Sequence[str] = ()) -> Bundle:
        """Packs the function with its arguments.

        Raises:
            PackError: the function or an argument cannot be packed, or seems to contain a credential.
        """
        called = partial(
            functions_of("calls.py")["call"],
            function=self.function,
            arguments=self.arguments,
            named=dict(self.named),
            logged=self.logged,
        )
        home = getattr(self.function, "__module__", None) or "__main__"
        return with_stand_in(pack(name, called, self.annotations, home, (), allow=allow))


class ClassicScript(ScriptSource):
    """A script whose calls of Fairing do nothing in a step."""

    def bundle(self, name: str, allow: Sequence[str] = ()) -> Bundle:
        """Packs it; see `ScriptSource`."""
        return with_stand_in(super().bundle(name, allow))


class ClassicNotebook(NotebookSource):
    """A notebook whose calls of Fairing do nothing in a step."""

    def bundle(self, name: str, allow: Sequence[str] = ()) -> Bundle:
        """Packs it; see `NotebookSource`."""
        return with_stand_in(super().bundle(name, allow))


class ClassicPredictor(PredictorSource):
    """A class of Fairing's to serve."""

    def bundle(self, name: str, allow: Sequence[str] = ()) -> Bundle:
        """Packs it; see `PredictorSource`."""
        home = getattr(self.plain, "__module__", None) or "__main__"
        made = functions_of("calls.py")["predictor"](self.plain)
        return with_stand_in(pack(name, made, {}, home, self.modules, serve=self.takes, allow=allow))


def with_stand_in(bundle: Bundle) -> Bundle:
    """A bundle with the stand-in for Fairing's calls, which Python loads when it starts."""
    stand_in = File(f"{CODE}/modules/{_MODULE}.py", (FOLDER / "stand_in.py").read_bytes())
    start = File(f"{CODE}/modules/{_MODULE}.pth", f"import {_MODULE}\n".encode())
    return bundle.with_files((stand_in, start))
