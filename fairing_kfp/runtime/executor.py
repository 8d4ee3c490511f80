"""KFP's own executor: the step's kfp where it has one, else the part of kfp that the runtime layer brings."""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
import os
import sys
from typing import Any


def executor_class(root: str) -> Any:
    """`kfp.dsl.executor.Executor`.

    A step that has kfp 2 itself must see one kfp only, so that the artifacts it makes are those the executor knows.
    """
    if importlib.util.find_spec("kfp") is None:  # most steps have none, and the next import is slow
        return _private_executor(os.path.join(root, "runtime", "private"))
    from importlib import metadata

    with contextlib.suppress(metadata.PackageNotFoundError):
        if metadata.version("kfp").startswith("2."):
            try:
                return importlib.import_module("kfp.dsl.executor").Executor
            except Exception:  # a broken installation that the step may never use
                for name in [name for name in sys.modules if name.partition(".")[0] == "kfp"]:
                    del sys.modules[name]
    return _private_executor(os.path.join(root, "runtime", "private"))


def _private_executor(folder: str) -> Any:
    sys.path.insert(0, folder)
    os.environ["_KFP_RUNTIME"] = "true"  # kfp then imports only what an executor needs
    try:
        return importlib.import_module("kfp.dsl.executor").Executor
    finally:
        del os.environ["_KFP_RUNTIME"]
        sys.path.remove(folder)
