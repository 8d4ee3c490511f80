"""Runs one step: checks, prepares, unpickles, and hands the function to KFP's own executor."""

from __future__ import annotations

import argparse
import json
import logging
import os
import sys
import traceback
import types
from typing import Any

from . import distributed, environment, executor, outputs, packed, results


def main(root: str, argv: list[str]) -> int:
    """Runs the step that lies below `root`; gives its exit code.

    Args:
        root: the folder that holds `runtime`, `code` and `dependencies`.
        argv: the command line, with KFP's `--executor_input`.
    """
    if argv[1:2] != ["--executor_input"]:  # what few steps need is imported here: each start compiles what it imports
        from . import frameworks, node, torchrun

        if "--node" in argv[1:2]:
            return node.main(root)
        if frameworks.TORCHRUN in argv[1:2]:
            return torchrun.main(root, argv)
    parser = argparse.ArgumentParser(description="Runs a step packed by fairing-kfp.")
    parser.add_argument("--executor_input", required=True, help="KFP's ExecutorInput as JSON")
    parser.add_argument("--gate", action="store_true", help="fails if the notebook's status says that it failed")
    arguments, _ = parser.parse_known_args(argv[1:])
    step = packed.description(root)
    if arguments.gate:
        from . import gate

        return gate.check(step["name"], json.loads(arguments.executor_input))
    problem = environment.python_problem(step) or environment.libc_problem(root, step)
    if problem:
        print(problem, file=sys.stderr)
        return 1
    given = json.loads(arguments.executor_input)
    if not outputs.wanted(os.environ):
        given = outputs.scratch_outputs(given)
    sys.argv = argv[:1]
    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]  # a killed step's last words count
    environment.prepare(root)
    _show_logging()
    executor_class = executor.executor_class(root)
    packed.install_finder(root)
    try:
        function = packed.function(root)
    except ImportError as error:
        traceback.print_exc()
        print(environment.import_problem(step, error), file=sys.stderr)
        return 1
    try:
        run = executor_class(given, function)
        if outputs.wanted(os.environ) and distributed.rank() == 0:
            results.guard(run)
        run.execute()
    except results.PassingError as error:
        print(f"fairing-kfp: {error}", file=sys.stderr)
        return 1
    except Exception as error:  # whatever the user's code raises; its frames alone are of interest
        traceback.print_exception(type(error), error, _user_frames(error.__traceback__))
        return 1
    return 0


def notebook_names(root: str) -> dict[str, Any]:
    """What was packed of a notebook or REPL, for a child process that imports its parent's main module anew."""
    environment.prepare(root)
    packed.install_finder(root)
    if "__main__" not in packed.description(root)["packed_modules"]:
        return {}
    before = set(vars(sys.modules["__main__"]))
    packed.function(root)
    return {name: value for name, value in vars(sys.modules["__main__"]).items() if name not in before}


def _show_logging() -> None:
    """Lets INFO reach the step's log, as KFP does, without a handler that would void the user's own basicConfig."""
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    logging.lastResort = handler
    logging.getLogger().setLevel(logging.INFO)


def _user_frames(frames: types.TracebackType | None) -> types.TracebackType | None:
    """The traceback from the user's first frame on; all of it when the executor itself failed."""
    kept = frames
    while kept is not None:
        name = str(kept.tb_frame.f_globals.get("__name__", ""))
        if not name.startswith(("fairing_runtime", "kfp.dsl")):
            return kept
        kept = kept.tb_next
    return frames
