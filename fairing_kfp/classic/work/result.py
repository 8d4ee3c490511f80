"""Results of functions, pickled by their steps."""

from __future__ import annotations

import io
import pickle
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from fairing_kfp.preprocess.modules.own import canonical_name

_PRIVATE = "fairing_runtime.cloudpickle"
"""cloudpickle's name in a step."""


class _Unpickler(pickle.Unpickler):
    """Finds cloudpickle's helpers in the package itself, and classes of the running script in its module."""

    def find_class(self, module: str, name: str) -> Any:
        if module == _PRIVATE:
            module = "cloudpickle.cloudpickle"
        elif module not in sys.modules and module == _main():  # importing it would run the script again
            module = "__main__"
        return super().find_class(module, name)


def _main() -> str:
    """The importable name of the running script; steps know its classes by it."""
    file = getattr(sys.modules["__main__"], "__file__", None)
    return canonical_name("__main__", file)


def unpickled(artifacts: Mapping[str, Path], parameters: Mapping[str, Any]) -> Any:
    """The result in the output `result` of a step.

    Args:
        artifacts: paths of the output artifacts, by name.
        parameters: output parameters, by name.
    """
    # It was pickled by the user's own function.
    return _Unpickler(io.BytesIO(artifacts["result"].read_bytes())).load()
