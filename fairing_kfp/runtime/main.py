"""Runs a step: checks and prepares the environment, unpickles the function, and runs it by KFP's executor."""

from __future__ import annotations

import json
import logging
import os
import sys
import types
from typing import Any

from . import distributed, environment, executor, outputs, packed, results

_INPUT, _GATE = "--executor_input", "--gate"
"""Options of the step's program: KFP's ExecutorInput as JSON, and whether the step checks the status of a notebook."""


def main(root: str, argv: list[str]) -> int:
    """Runs the step below `root`.

    Args:
        root: the folder that contains `runtime`, `code` and `dependencies`.
        argv: the command line, with KFP's `--executor_input`.

    Returns:
        The exit code.
    """
    # Modules that few steps use are imported where they are used, here and below: each import delays the start.
    if argv[1:2] != [_INPUT]:
        from . import frameworks, node, torchrun

        if "--node" in argv[1:2]:
            return node.main(root)
        if frameworks.TORCHRUN in argv[1:2]:
            return torchrun.main(root, argv)
    if _INPUT not in argv[1:-1]:
        print(f"usage: {argv[0]} {_INPUT} JSON [{_GATE}]", file=sys.stderr)
        return 2
    given = json.loads(argv[argv.index(_INPUT) + 1])
    step = packed.description(root)
    if _GATE in argv[1:]:
        from . import gate

        return gate.check(step["name"], given)
    problem = environment.python_problem(step) or environment.libc_problem(root, step)
    if problem:
        print(problem, file=sys.stderr)
        return 1
    if not outputs.are_used(os.environ):
        given = outputs.scratch_outputs(given)
    sys.argv = argv[:1]
    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]  # keeps the last lines of a step that is killed
    environment.prepare(root)
    _configure_logging()
    executor_class = executor.executor_class(root)
    packed.install_finder(root)
    try:
        function = packed.function(root)
    except ImportError as error:
        import traceback

        traceback.print_exc()
        print(environment.import_problem(step, error), file=sys.stderr)
        return 1
    try:
        run = executor_class(given, function)
        if outputs.are_used(os.environ) and distributed.rank() == 0:
            results.check_outputs(run)
        run.execute()
    except results.PassingError as error:
        print(f"fairing-kfp: {error}", file=sys.stderr)
        return 1
    except Exception as error:  # an exception of the user's code; frames of the runtime are left out
        import traceback

        traceback.print_exception(type(error), error, _user_frames(error.__traceback__))
        return 1
    return 0


def notebook_names(root: str) -> dict[str, Any]:
    """The names of a packed notebook or REPL, for a child process that imports its parent's main module again."""
    environment.prepare(root)
    packed.install_finder(root)
    if "__main__" not in packed.description(root)["packed_modules"]:
        return {}
    before = set(vars(sys.modules["__main__"]))
    packed.function(root)
    return {name: value for name, value in vars(sys.modules["__main__"]).items() if name not in before}


def _configure_logging() -> None:
    """Logs INFO and above, as KFP does, without a handler of the root logger, which would disable `basicConfig`."""
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    logging.lastResort = handler
    logging.getLogger().setLevel(logging.INFO)


def _user_frames(frames: types.TracebackType | None) -> types.TracebackType | None:
    """The traceback from the user's first frame on; the whole traceback if the executor itself failed."""
    kept = frames
    while kept is not None:
        name = str(kept.tb_frame.f_globals.get("__name__", ""))
        if not name.startswith(("fairing_runtime", "kfp.dsl")):
            return kept
        kept = kept.tb_next
    return frames
