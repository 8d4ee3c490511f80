"""A notebook as a step, from the call to its first cell: fairing-kfp, and KFP's `dsl.notebook_component`.

Without `from __future__ import annotations`, which kfp's own decorators cannot read.
"""

import contextlib
import time
from functools import partial
from pathlib import Path
from typing import Any

from kfp import dsl, local
from nbformat import v4, write

import fairing_kfp
from bench.measure import Cost, MissingError, Stages, Table, take_turns
from bench.services import Workplace, docker, pip_settings, with_pip, workplace
from bench.start import pipeline_of, silence
from fairing_kfp import fairing_component
from fairing_kfp.cache.store import Cache
from fairing_kfp.errors import DependencyError

ROUNDS = 3

_CELL = "import time\n\nwith open(began, 'w') as file:\n    file.write(str(time.time()))"
_NOTE = (
    "One notebook in a Docker container, with a cell that records when it runs; both on the same base image, which "
    "Docker has. KFP's component installs kfp, nbclient and ipykernel from the package index at every start; "
    "fairing-kfp has papermill and ipykernel in layers. The end is that of the whole run, in which fairing-kfp also "
    "renders a report and a second task checks the status; KFP keeps neither the executed notebook nor a report."
)


def measure() -> list[Table]:
    """Compares starts of one notebook, with and without the image on the node."""
    with workplace() as work, silence():
        base = with_pip(work)
        path = work.folder / "moment.ipynb"
        tagged = v4.new_code_cell("began = '/tmp/began'", metadata={"tags": ["parameters"]})
        write(v4.new_notebook(cells=[tagged, v4.new_code_cell(_CELL)]), path)  # type: ignore[no-untyped-call]
        ours = _Ours(work, base, path)
        runs = take_turns(ROUNDS, {"ours": ours.starts, "kfp": partial(_kfp_starts, work, base, path)}, warm=False)
    rows = (
        runs.row("its first cell runs, image on the node", "ours", "kfp", "again", "start"),
        runs.row("its first cell runs, image pulled first", "ours", "kfp", "pulled", "start"),
        runs.row("the run has ended, image on the node", "ours", "kfp", "end"),
    )
    return [Table("our notebook in full", "KFP's `notebook_component`", rows, _NOTE)]


class _Ours:
    """The notebook as a step of fairing-kfp, with its image pushed."""

    def __init__(self, work: Workplace, base: str, path: Path) -> None:
        moment = fairing_component.from_notebook(path, arguments={"began": dsl.Output[dsl.Artifact]})

        @dsl.pipeline  # type: ignore[untyped-decorator]
        def notebook() -> None:
            moment()

        self._pipeline = notebook
        self._output = work.folder / "runs"
        self._where: dict[str, Any] = {
            "registry": f"{work.registry.host}/notebook",
            "base_image": base,
            "cache": Cache(work.folder / "cache"),
            "lock": str(work.folder / "fairing.lock"),
        }
        try:
            (self._image,) = fairing_kfp.compile(notebook, **self._where).images.values()
        except DependencyError as error:
            raise MissingError(error.message) from error

    def starts(self) -> Stages:
        """A start for which the image is pulled, and one for which it is there."""
        with contextlib.suppress(MissingError):  # not pulled yet
            docker("rmi", "-f", self._image)
        pulled, _ = self._run()
        again, end = self._run()
        return {"pulled": pulled, "again": again, "end": end}

    def _run(self) -> tuple[Cost, Cost]:
        began = time.time()
        options = {"network_mode": "host"}
        done = fairing_kfp.run(
            self._pipeline, runner="docker", docker=options, output=self._output, reuse=False, **self._where
        )
        end = time.time()
        first = float(Path(done.step("moment").artifacts["began"]).read_text())
        return Cost(first - began), Cost(end - began)


def _kfp_starts(work: Workplace, base: str, path: Path) -> Stages:
    @dsl.notebook_component(notebook_path=str(path), base_image=base)  # type: ignore[untyped-decorator]
    def moment() -> float:
        from pathlib import Path

        from kfp import dsl

        dsl.run_notebook(began="/tmp/began")
        return float(Path("/tmp/began").read_text())

    runner = local.DockerRunner(network_mode="host", environment=pip_settings())
    local.init(runner, pipeline_root=str(work.folder / "kfp"), raise_on_error=True)
    began = time.time()
    try:
        first = float(pipeline_of(moment)().output)
    except RuntimeError as error:
        raise MissingError(f"a notebook component does not run in a container here: {error}") from error
    return {"start": Cost(first - began), "end": Cost(time.time() - began)}
