"""KFP's executor: the one of the step's kfp if it has kfp, else the copy in the runtime layer."""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
import os
import sys
from typing import Any


def executor_class(root: str) -> Any:
    """The class `kfp.dsl.executor.Executor`.

    A step with kfp 2 uses the executor of that kfp, which recognizes the artifacts that the step creates.
    """
    if importlib.util.find_spec("kfp") is None:  # most steps have no kfp, and the next import is slow
        return _private_executor(os.path.join(root, "runtime", "private"))
    from importlib import metadata

    with contextlib.suppress(metadata.PackageNotFoundError):
        if metadata.version("kfp").startswith("2."):
            try:
                return importlib.import_module("kfp.dsl.executor").Executor
            except Exception:  # a broken installation, which the step may not use
                for name in [name for name in sys.modules if name.partition(".")[0] == "kfp"]:
                    del sys.modules[name]
    return _private_executor(os.path.join(root, "runtime", "private"))


def _private_executor(folder: str) -> Any:
    sys.path.insert(0, folder)
    os.environ["_KFP_RUNTIME"] = "true"  # kfp then imports only the modules of the executor
    try:
        return importlib.import_module("kfp.dsl.executor").Executor
    finally:
        del os.environ["_KFP_RUNTIME"]
        sys.path.remove(folder)
