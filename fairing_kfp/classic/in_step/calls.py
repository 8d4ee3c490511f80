"""Runs a function in a step, or a class of Fairing's in a server.

The author's side executes this text in a namespace of its own, so that its functions travel with the user's code.
"""

import base64
import contextlib
import importlib
import inspect
import os
import pickle
import sys
from typing import Any

RESULT = "fairing-kfp result: "
"""Prefix of the line of the log with a function's result, where the log is the only way back."""

LONGEST = 256 * 1024
"""How many bytes of a result fit into the log."""


def enter_working_folder() -> None:
    """Changes to a writable copy of the folder of `input_files`, and makes its modules importable."""
    code = sys.modules["fairing_runtime.rebuild"].CODE
    files = os.path.join(code, "files")  # noqa: PTH118 - only what is imported already
    folder = sys.modules["fairing_runtime.working_folder"].working_folder(files)
    os.chdir(folder)
    sys.path.insert(0, folder)


def positional(kind: Any) -> bool:
    """Whether a parameter takes a positional argument."""
    return kind in (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)


def call(result: Any, function: Any, arguments: tuple[Any, ...], named: dict[str, Any], logged: bool) -> None:
    """Calls a function, or `train` of a class, and keeps what it returns.

    Args:
        result: the output artifact for the result.
        function: the function or class.
        arguments: positional arguments, of `train` for a class.
        named: keyword arguments.
        logged: whether to write the result into the log as well.
    """
    import fairing_runtime.working_folder  # type: ignore[import-not-found]  # noqa: F401 - its name in the image

    enter_working_folder()
    value = (function().train if isinstance(function, type) else function)(*arguments, **named)
    if value is not None and not isinstance(value, bytes):  # such as a model
        print(value, flush=True)  # noqa: T201 - as Fairing does
    try:
        data = pickle.dumps(value)
    except Exception:  # such as a class that the function defines
        try:
            data = importlib.import_module("fairing_runtime.cloudpickle").dumps(value)
        except Exception as error:
            print(f"fairing-kfp: the result cannot be pickled: {error}", flush=True)  # noqa: T201
            data = pickle.dumps(None)
    with open(result.path, "wb") as file:  # noqa: PTH123
        file.write(data)
    if logged and len(data) > LONGEST:
        print(f"fairing-kfp: the result of {len(data)} bytes is too long for the log; see the output `result`")  # noqa: T201
    elif logged:
        print(RESULT + base64.b64encode(data).decode(), flush=True)  # noqa: T201


def predictor(model: Any) -> type:
    """The class that our server runs for a class of Fairing's, whose constructor loads the model.

    Args:
        model: the class, or its name, which is also the name of its module.
    """

    class Predictor:
        def load(self, model_path: str) -> None:
            import fairing_runtime.working_folder  # noqa: F401

            enter_working_folder()
            made = getattr(importlib.import_module(model), model) if isinstance(model, str) else model
            self.model = made()
            kinds = [one.kind for one in inspect.signature(self.model.predict).parameters.values()]
            self.arguments = 3 if inspect.Parameter.VAR_POSITIONAL in kinds else sum(map(positional, kinds))

        def predict(self, instances: Any) -> Any:
            names = None
            if isinstance(instances, list) and instances and all(isinstance(one, dict) for one in instances):
                names = list(instances[0])
                instances = [[one[name] for name in names] for one in instances]
            with contextlib.suppress(ImportError):
                instances = importlib.import_module("numpy").asarray(instances)
            return self.model.predict(*(instances, names, {})[: self.arguments])

    return Predictor
