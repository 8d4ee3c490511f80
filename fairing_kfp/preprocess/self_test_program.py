"""The program that the self-test of packing starts: `python -m … pack FOLDER`, then `run FOLDER`."""

from __future__ import annotations

import importlib
import json
import sys
import typing
from pathlib import Path
from typing import Any

import cloudpickle

from fairing_kfp.preprocess import self_test
from fairing_kfp.preprocess.function import FunctionSource


def pack(folder: Path) -> dict[str, Any]:
    """Packs the cases into files; gives their results in this process."""
    self_test.skip()
    sys.path.insert(0, str(folder))
    module = importlib.import_module("self_test_steps")
    results = {}
    for name in (name for name in vars(module) if name.startswith("case_")):
        function = getattr(module, name)
        bundle = FunctionSource(function, typing.get_type_hints(function)).bundle(name.replace("_", "-"))
        for file in bundle.files:
            path = folder / "packed" / name / file.path
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(file.data)
        results[name] = function()
    return results


def run(folder: Path) -> dict[str, Any]:
    """The results of the packed cases."""
    sys.modules["fairing_kfp.runtime.cloudpickle"] = cloudpickle.cloudpickle  # it lies there in an image
    packed = importlib.import_module("fairing_kfp.runtime.packed")
    results = {}
    for case in sorted((folder / "packed").iterdir()):
        root = str(next(case.rglob("function.pickle")).parents[1])
        results[case.name] = packed.function(root)()
    return results


if __name__ == "__main__":
    made = {"pack": pack, "run": run}[sys.argv[1]](Path(sys.argv[2]))
    sys.stdout.write(json.dumps(made) + "\n")
