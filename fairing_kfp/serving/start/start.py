"""Unpacks a predictor and starts its server: ours, or if it is a `kserve.Model` that of KServe."""

from __future__ import annotations

import os
import sys
import traceback
from typing import Any

from fairing_runtime import environment, packed  # type: ignore[import-not-found]  # its name in the image

from . import private

KSERVE = "kserve"

# With what uvicorn imports only when it needs it.
_MODULES = ("fairing_server.main", "uvicorn.lifespan.off")


def start(root: str) -> int:
    """Serves the predictor below `root`; gives the exit code.

    Args:
        root: the folder that holds `runtime`, `server`, `code` and `dependencies`.
    """
    step = packed.description(root)
    problem = environment.python_problem(step) or environment.libc_problem(root, step)
    if problem:
        print(problem, file=sys.stderr)
        return 1
    sys.argv = sys.argv[:1]
    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]  # a killed server's last words count
    takes = step["serve"]
    main = None if KSERVE in takes else _server(root)
    settings = None
    if main:
        try:
            settings = main.Settings.of(os.environ)
        except ValueError as error:
            print(f"fairing-kfp: {error}", file=sys.stderr)
            return 1
        main.set_up(settings.log, settings.log_level)
    environment.prepare(root)
    packed.install_finder(root)
    try:
        predictor = packed.unpacked(root)["function"]
    except ImportError as error:
        traceback.print_exc()
        print(environment.import_problem(step, error), file=sys.stderr)
        return 1
    if main:
        return int(main.run(predictor, takes, step["name"], settings, _release(root)))
    return _kserve(predictor, step["name"])


def _server(root: str) -> Any:
    """Our server's modules, with uvicorn, out of sight of the user's code."""
    here = os.path.join(root, "server")
    modules = private.load([os.path.join(here, "own"), os.path.join(here, "packages")], _MODULES)
    return modules["fairing_server.main"]


def _kserve(predictor: Any, name: str) -> int:
    """Lets KServe's own server run its own kind of model."""
    import kserve  # type: ignore[import-not-found]  # among the user's packages

    model = predictor(os.environ.get("FAIRING_MODEL_NAME") or name)
    model.load()
    kserve.ModelServer(http_port=int(os.environ.get("FAIRING_PORT") or 8080)).start([model])
    return 0


def _release(root: str) -> str:
    with open(os.path.join(root, "server", "release"), encoding="ascii") as file:
        return file.read()
