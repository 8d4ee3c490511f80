"""Unpacks a predictor and starts its server: the one of this package, or KServe's for a `kserve.Model`."""

from __future__ import annotations

import os
import sys
import traceback
from typing import Any

from fairing_runtime import environment, packed  # type: ignore[import-not-found]  # its name in the image

from . import private

KSERVE = "kserve"

# With the module that uvicorn imports only when the server starts.
_MODULES = ("fairing_server.main", "uvicorn.lifespan.off")


def start(root: str) -> int:
    """Serves the predictor below `root` until the process is stopped.

    Args:
        root: the folder that contains `runtime`, `server`, `code` and `dependencies`.

    Returns:
        The exit code.
    """
    step = packed.description(root)
    problem = environment.python_problem(step) or environment.libc_problem(root, step)
    if problem:
        print(problem, file=sys.stderr)
        return 1
    sys.argv = sys.argv[:1]
    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]  # keeps the last lines of a server that is killed
    input_kinds = step["serve"]
    main = None if KSERVE in input_kinds else _server(root)
    settings = process = None
    if main:
        try:
            settings = main.Settings.of(os.environ)
        except ValueError as error:
            print(f"fairing-kfp: {error}", file=sys.stderr)
            return 1
        main.set_up(settings.log, settings.log_level)
        if settings.workers > 1:
            process = main.start_workers(settings)  # forks, so before the user's code starts threads
    environment.prepare(root)
    packed.install_finder(root)
    try:
        predictor = packed.payload(root)["function"]
    except ImportError as error:
        traceback.print_exc()
        print(environment.import_problem(step, error), file=sys.stderr)
        return 1
    if main:
        return int(main.run(predictor, input_kinds, step["name"], settings, _release(root), process))
    return _kserve(predictor, step["name"])


def _server(root: str) -> Any:
    """The main module of the server, which is imported with uvicorn in isolation from the user's code."""
    here = os.path.join(root, "server")
    modules = private.load([os.path.join(here, "own"), os.path.join(here, "packages")], _MODULES)
    return modules["fairing_server.main"]


def _kserve(predictor: Any, name: str) -> int:
    """Runs a `kserve.Model` in KServe's server."""
    import kserve  # type: ignore[import-not-found]  # among the user's packages

    model = predictor(os.environ.get("FAIRING_MODEL_NAME") or name)
    model.load()
    kserve.ModelServer(http_port=int(os.environ.get("FAIRING_PORT") or 8080)).start([model])
    return 0


def _release(root: str) -> str:
    with open(os.path.join(root, "server", "release"), encoding="ascii") as file:
        return file.read()
