"""From the start of a step's process to the first line of its function, within a container."""

from __future__ import annotations

import json
import os

import fairing_kfp
from bench.measure import Cost, Runs, Table
from bench.services import docker, workplace
from bench.start import first_line, pipeline_of, silence
from fairing_kfp import fairing_component
from fairing_kfp.cache.store import Cache

ROUNDS = 20

_OUTPUTS = "/tmp/bench/outputs.json"
_PARAMETERS = {"Output": {"outputFile": "/tmp/bench/Output"}}
_INPUT = json.dumps({"outputs": {"outputFile": _OUTPUTS, "parameters": _PARAMETERS}})
_STEP = ("python3", "/opt/fairing/runtime/step.py", "--executor_input", _INPUT)
_PROGRAM = f"""
import json, subprocess, time

def start(command):
    began = time.time()
    printed = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return began, printed

runs = []
for _ in range({ROUNDS + 1}):
    began, printed = start({list(_STEP)!r})
    step = json.load(open({_OUTPUTS!r}))["parameterValues"]["Output"] - began
    began, printed = start(["python3", "-c", "import time; print(time.time())"])
    runs.append((step, float(printed) - began))
print(json.dumps(runs[1:]))
"""
_NOTE = (
    "Processes in one container. Our runtime checks the image, reads KFP's input, imports KFP's executor and unpickles "
    "the function. All modules have byte code. Most of the time goes to modules of the standard library that KFP's "
    "executor imports: json, typing, inspect and dataclasses."
)


def measure() -> list[Table]:
    """Compares a step with a Python that does nothing."""
    with workplace() as work, silence():
        pipeline = pipeline_of(fairing_component(first_line))
        where = {"registry": f"{work.registry.host}/first-line", "base_image": work.base}
        compiled = fairing_kfp.compile(pipeline, cache=Cache(work.folder / "cache"), start=work.folder, **where)
        (image,) = compiled.images.values()
        user = f"{os.getuid()}:{os.getgid()}"
        times = json.loads(docker("run", "--rm", "--user", user, image, "python3", "-c", _PROGRAM))
    runs = Runs(tuple({"ours": {"start": Cost(ours)}, "python": {"start": Cost(bare)}} for ours, bare in times))
    row = runs.row("until the first line", "ours", "python", "start")
    return [Table("our step", "`python3 -c pass`", (row,), _NOTE)]
