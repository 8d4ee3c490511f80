"""A predictor → a bundle: the pickle of its class or function, and the input types of its methods."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

from fairing_kfp.frozen import dataclass
from fairing_kfp.preprocess.bundle import Bundle
from fairing_kfp.preprocess.function import folder_of, pack


@dataclass(frozen=True)
class PredictorSource:
    """A predictor to pack.

    Attributes:
        plain: the class or function.
        takes: the input types of its methods, by method; `{"kserve": …}` for a `kserve.Model`.
        modules: own modules to pack in full, in addition to imported ones.
    """

    is_file: ClassVar[bool] = False
    needs_gate: ClassVar[bool] = False

    plain: Any
    takes: Mapping[str, str]
    modules: tuple[str, ...] = ()

    @property
    def folder(self) -> Path:
        """The folder of its file."""
        return folder_of(self.plain)

    def bundle(self, name: str, allow: Sequence[str] = ()) -> Bundle:
        """Packs it. Equal code gives equal bytes.

        Args:
            name: the predictor's name.
            allow: names, files and fingerprints of what only looks like a credential.

        Raises:
            PackError: the class cannot be packed.
            SecretError: it seems to contain a credential.
        """
        home = self.plain.__module__ or "__main__"
        return pack(name, self.plain, {}, home, self.modules, serve=self.takes, allow=allow)
