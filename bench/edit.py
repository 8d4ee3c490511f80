"""From an edit to the new image in a registry, for a step with scikit-learn: fairing-kfp, and a Dockerfile."""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from bench.measure import Cost, MissingError, Stages, Table, run_program, take_turns
from bench.services import Workplace, docker, pip_settings, with_pip, workplace

_OURS = Path(sys.executable).with_name("fairing-kfp")
_VERSIONS = ("1.4.2", "1.5.0", "1.5.1", "1.5.2")  # of joblib, a small package
_ROUNDS = len(_VERSIONS) - 1
_STAGES = {"parameter": "a parameter's default", "code": "a line of code", "dependency": "one small dependency"}
_NOTE = (
    "A pipeline with one step that requires scikit-learn 1.7.2 and a version of joblib; each edit is the only one "
    "since the previous image. The Dockerfile has the usual order: `COPY requirements.txt`, `RUN pip install`, "
    "`COPY` of the code. A parameter's default is not part of the image, so nothing is sent; the pipeline's YAML is "
    "written in every case, which Docker does not do. Wheels come from uv's cache, and for pip from the package "
    "index."
)
_PIPELINE = """
from kfp import dsl
from fairing_kfp import fairing_component

@fairing_component(packages=["scikit-learn==1.7.2", "joblib=={joblib}"])
def train(depth: int) -> float:
    from sklearn.ensemble import RandomForestClassifier
    return {code} * RandomForestClassifier(max_depth=depth).max_depth

@dsl.pipeline
def edited(depth: int = {parameter}):
    train(depth=depth)
"""
_DOCKERFILE = """
FROM {base}
{settings}
COPY requirements.txt /app/requirements.txt
RUN python3 -m pip install --quiet --no-cache-dir -r /app/requirements.txt
COPY pipeline.py /app/pipeline.py
"""


class _Author:
    """An author who edits one pipeline repeatedly, after a first push.

    Args:
        work: the workplace with the registry.
        folder: folder of the pipeline.
        push: makes and pushes the image of the folder.
    """

    def __init__(self, work: Workplace, folder: Path, push: Callable[[], None]) -> None:
        self._work, self._folder, self._push = work, folder, push
        self._edits = 0
        self._round = 0
        self._values = {"parameter": 1, "code": 1}
        self._write()
        push()

    def stages(self) -> Stages:
        """One edit of each kind."""
        self._round += 1
        return {stage: self._edited(stage) for stage in _STAGES}

    def _edited(self, stage: str) -> Cost:
        self._edits += 1
        if stage in self._values:
            self._values[stage] = 10 ** (self._edits % 9) + self._edits  # of another length
        self._write(joblib=_VERSIONS[self._round - (stage != "dependency")])
        return self._work.metered(self._push)

    def _write(self, joblib: str = _VERSIONS[0]) -> None:
        (self._folder / "pipeline.py").write_text(_PIPELINE.format(joblib=joblib, **self._values))
        (self._folder / "requirements.txt").write_text(f"scikit-learn==1.7.2\njoblib=={joblib}\n")


def measure() -> list[Table]:
    """Compares edits of a parameter, the code and a dependency."""
    with workplace() as work:
        base = with_pip(work)
        makers = {"call": _by_call, "command": _by_command, "docker": _by_docker}
        contenders = {name: make(work, base).stages for name, make in makers.items()}
        runs = take_turns(_ROUNDS, contenders, warm=False)

    def table(head: str, ours: str, note: str = "") -> Table:
        rows = tuple(runs.row(words, ours, "docker", stage) for stage, words in _STAGES.items())
        return Table(head, "`docker build && docker push`", rows, note)

    return [table("a call of `compile`", "call"), table("`fairing-kfp compile`", "command", _NOTE)]


def _by_call(work: Workplace, base: str) -> _Author:
    import fairing_kfp
    from fairing_kfp.cache.store import Cache

    folder = _folder(work, "call")
    where: dict[str, Any] = {"registry": f"{work.registry.host}/{folder.name}", "base_image": base}

    def push() -> None:
        pipeline = fairing_kfp.load_pipeline(str(folder / "pipeline.py"))
        fairing_kfp.compile(pipeline, start=folder, cache=Cache(folder / "cache"), **where)

    try:
        return _Author(work, folder, push)
    except fairing_kfp.FairingError as error:
        raise MissingError(f"scikit-learn is not available: {error.message}") from error


def _by_command(work: Workplace, base: str) -> _Author:
    folder = _folder(work, "command")
    words = ["compile", str(folder / "pipeline.py"), "--registry", f"{work.registry.host}/{folder.name}"]
    push = partial(run_program, str(_OURS), *words, "--base-image", base, FAIRING_KFP_CACHE=str(folder / "cache"))
    return _Author(work, folder, push)


def _by_docker(work: Workplace, base: str) -> _Author:
    folder = _folder(work, "docker")
    settings = "\n".join(f"ENV {name}={value!r}" for name, value in pip_settings().items())
    (folder / "Dockerfile").write_text(_DOCKERFILE.format(base=base, settings=settings))
    image = f"{work.registry.host}/{folder.name}/train:1"

    def push() -> None:
        docker("build", "-q", "--network", "host", "-t", image, str(folder))
        docker("push", "-q", image)

    return _Author(work, folder, push)


def _folder(work: Workplace, name: str) -> Path:
    folder = work.folder / work.fresh(name)
    folder.mkdir()
    return folder
