"""Runs at the start of each child Python process of a step, and sets the import path of the step."""

import importlib.machinery
import importlib.util
import os
import sys

_here = os.path.dirname(os.path.abspath(__file__))
_root = os.path.dirname(os.path.dirname(_here))
_before = list(sys.path)
sys.path[:] = [os.path.dirname(_here), *(entry for entry in sys.path if os.path.abspath(entry) != _here)]
try:
    from fairing_runtime import environment, packed  # type: ignore[import-not-found]  # its name in the image

    sys.path.pop(0)
    if not environment.python_problem(packed.description(_root)):
        environment.add_sites(_root)
        packed.install_finder(_root)
finally:
    _spec = importlib.machinery.PathFinder.find_spec("sitecustomize", sys.path)
    if _spec is not None and _spec.loader is not None:  # the module that this file hides
        _module = sys.modules["sitecustomize"] = importlib.util.module_from_spec(_spec)
        _spec.loader.exec_module(_module)
