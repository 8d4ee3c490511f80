"""Runs notebooks in full, several at once in one container, each in the folder of a step."""

from __future__ import annotations

import inspect
import json
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from nbformat import read

from fairing_kfp.component.notebook import full_notebook

_PLACE = "opt/fairing/"
_SECONDS = 240
"""How long a notebook may take; its exit code then is 124 or 137."""


@dataclass(frozen=True)
class Case:
    """A notebook to run.

    Attributes:
        path: path of the notebook.
        arguments: arguments of `from_notebook`.
        values: parameters from KFP.
        include: included files.
    """

    path: Path
    arguments: Mapping[str, Any] = field(default_factory=dict)
    values: Mapping[str, Any] = field(default_factory=dict)
    include: tuple[str, ...] = ()


@dataclass(frozen=True)
class Ran:
    """The result of a run: the exit code, the log and the folder of the outputs."""

    code: int
    log: str
    outputs: Path

    @property
    def status(self) -> str:
        return (self.outputs / "status").read_text()

    @property
    def notebook(self) -> Any:
        return read(self.outputs / "notebook", as_version=4)

    @property
    def printed(self) -> str:
        """What cells printed; a kernel may cut a line into several outputs."""
        cells = [cell for cell in self.notebook.cells if cell.cell_type == "code"]
        streams = ("".join(one.text for one in cell.outputs if one.output_type == "stream") for cell in cells)
        return "\n".join(streams)


def run_all(cases: Mapping[str, Case], image: str, folder: Path) -> dict[str, Ran]:
    """Runs notebooks as an arbitrary user, on a read-only root file system, in the image of one of them.

    Args:
        cases: notebooks by name.
        image: image with the packages that run notebooks.
        folder: empty folder for the steps and their outputs.
    """
    for name, case in cases.items():
        _write(folder / name, case)
    folder.chmod(0o777)
    loop = (
        f"ls /cases | xargs -P 4 -I{{}} sh -c 'cd /tmp; timeout -k 20 {_SECONDS} python3 /cases/{{}}/runtime/step.py "
        '--executor_input "$(cat /cases/{}/input.json)" > /cases/{}/log 2>&1; echo $? > /cases/{}/exit\''
    )
    options = ["--rm", "--network", "host", "--read-only", "--tmpfs", "/tmp:mode=1777", "--user", "54321:54321"]
    bounded = ["timeout", "-k", "20", str(_SECONDS * (len(cases) // 4 + 2)), "sh", "-c", loop]
    command = ["docker", "run", *options, "-v", f"{folder}:/cases", image, *bounded]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    unended = {name: _log(folder / name) for name in cases if not (folder / name / "exit").exists()}
    assert not unended, f"notebooks that did not end, with their logs: {unended}; {done.stdout}{done.stderr}"
    return {
        name: Ran(int((folder / name / "exit").read_text()), _log(folder / name), folder / name / "out")
        for name in cases
    }


def _log(folder: Path) -> str:
    log = folder / "log"
    return log.read_text() if log.exists() else ""


def _write(folder: Path, case: Case) -> None:
    from kfp import dsl

    source, interface = full_notebook(case.path, case.arguments, include=case.include)
    for file in source.bundle(folder.name).files:
        place = folder / file.path.removeprefix(_PLACE)
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(file.data)
    for shared in ("runtime", "dependencies"):
        (folder / shared).symlink_to(f"/{_PLACE}{shared}")
    outputs = f"/cases/{folder.name}/out"
    parameters, artifacts = {}, {}
    for name, annotation in source.annotations.items():
        if isinstance(annotation, dsl.OutputPath):
            parameters[name] = {"outputFile": f"{outputs}/{name}"}
        elif name in (*source.artifacts, "notebook", "report"):
            artifacts[name] = {"artifacts": [{"name": name, "uri": f"{outputs}/{name}", "metadata": {}}]}
    empty = (None, inspect.Parameter.empty)
    values = {one.name: one.default for one in interface.parameters if one.default not in empty}
    given = {
        "inputs": {"parameterValues": {**values, **case.values}},
        "outputs": {"outputFile": f"{outputs}/made.json", "parameters": parameters, "artifacts": artifacts},
    }
    (folder / "input.json").write_text(json.dumps(given))
    folder.chmod(0o777)
