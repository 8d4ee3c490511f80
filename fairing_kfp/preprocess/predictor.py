"""A predictor → a bundle: the pickle of its class or function, and what its server is to know of it."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from fairing_kfp.preprocess.bundle import Bundle
from fairing_kfp.preprocess.function import pack


@dataclass(frozen=True)
class PredictorSource:
    """A predictor to pack.

    Attributes:
        plain: the class or function.
        takes: what its methods take, as the server knows it; `kserve` alone for a class of KServe's.
        modules: own modules to ship whole, beside those found.
    """

    plain: Any
    takes: Mapping[str, str]
    modules: tuple[str, ...] = ()

    @property
    def folder(self) -> Path:
        """The folder of its file; the current one for a notebook's cells, which are in no file."""
        try:
            file = Path(inspect.getfile(self.plain))
        except (TypeError, OSError):  # a class of a notebook or a REPL
            return Path.cwd()
        return file.parent if file.is_file() else Path.cwd()

    def bundle(self, name: str) -> Bundle:
        """Packs it. The same class gives the same bytes, anywhere and at any time.

        Raises:
            PackError: it cannot be packed, or something in it looks like a credential.
        """
        home = self.plain.__module__ or "__main__"
        packed = pack(name, self.plain, {}, home, self.modules, {"embedded": None, "serve": dict(self.takes)})
        return replace(packed, serves=True)
