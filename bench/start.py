"""From the call until a step's own code runs in a container: its packages in a layer, or installed by pip.

Without `from __future__ import annotations`, which kfp's own decorators cannot read.
"""

import contextlib
import io
import logging
import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any
from unittest import mock

from kfp import dsl, local

import fairing_kfp
from bench.measure import Cost, MissingError, Stages, Table, take_turns
from bench.services import Workplace, docker, pip_settings, with_pip, workplace
from fairing_kfp import fairing_component
from fairing_kfp.build.cache import Cache
from fairing_kfp.errors import DependencyError
from fairing_kfp.preprocess.lock import Target

ROUNDS = 3

_COMPILED = (
    "The same step of ours. Without byte code Python compiles what it imports at every start, as a container's file "
    "system is new each time, or read-only. With it the layers are larger."
)
_NOTE = (
    "One step in a container of Docker, from the call to the first line of its function, or until a random forest is "
    "imported; both upon one base image, which Docker has. A lightweight component installs kfp and its packages at "
    "every start, from the package index. Ours has them in layers, which a node pulls before its first start. To "
    "resolve, unpack and push scikit-learn with what it needs, once for all steps, took {seconds:.0f} s, the wheels "
    "being in uv's cache."
)


def first_line() -> float:
    """The moment at which the step's own code begins."""
    import time

    return time.time()


def forest_imported() -> float:
    """The moment at which the step can use its packages."""
    import importlib
    import time

    importlib.import_module("sklearn.ensemble")
    return time.time()


_CASES: dict[str, tuple[Callable[[], float], list[str]]] = {
    "no packages": (first_line, []),
    "scikit-learn": (forest_imported, ["scikit-learn==1.7.*"]),
}


def measure() -> list[Table]:
    """Compares cold starts, with and without packages, with the image on the node and not yet."""
    rows = []
    with workplace() as work, silence():
        base = with_pip(work)
        for words, (function, packages) in _CASES.items():
            began = time.monotonic()
            ours = _Ours(work, base, function, packages)
            seconds = time.monotonic() - began
            theirs = partial(_kfp_starts, work, base, function, packages)
            runs = take_turns(ROUNDS, {"ours": ours.starts, "kfp": theirs}, warm=False)
            rows += [
                runs.row(f"{words}, image on the node", "ours", "kfp", "again", "start"),
                runs.row(f"{words}, image pulled first", "ours", "kfp", "pulled", "start"),
            ]
        with mock.patch.object(Target, "is_compiled_here", False):
            without = _Ours(work, base, function, packages, "plain")
        runs = take_turns(ROUNDS, {"ours": ours.starts, "plain": partial(_uncompiled, without)})
        compiled = (
            runs.row(f"{words}, image on the node", "ours", "plain", "again"),
            runs.row(f"{words}, image pulled first", "ours", "plain", "pulled"),
        )
    return [
        Table("our step", "KFP's lightweight component", tuple(rows), _NOTE.format(seconds=seconds)),
        Table("packages with byte code", "without", compiled, _COMPILED),
    ]


class _Ours:
    """The function as a step of ours, its image pushed."""

    def __init__(
        self, work: Workplace, base: str, function: Callable[[], float], packages: list[str], name: str = "start"
    ) -> None:
        self._pipeline = pipeline_of(fairing_component(packages=packages)(function))
        target, cache = f"{work.registry.host}/{name}", Cache(work.folder / f"cache-{name}")
        lock = str(work.folder / "fairing.lock")
        self._where: dict[str, Any] = {"registry": target, "base_image": base, "cache": cache, "lock": lock}
        self._output = work.folder / "runs"
        try:
            (self._image,) = fairing_kfp.compile(self._pipeline, **self._where).images.values()
        except DependencyError as error:
            raise MissingError(error.message) from error

    def starts(self) -> Stages:
        """A start for which the image is pulled, and one for which it is there."""
        with contextlib.suppress(MissingError):  # not pulled yet
            docker("rmi", "-f", self._image)
        return {"pulled": _start(self._run), "again": _start(self._run)}

    def _run(self) -> float:
        options = {"network_mode": "host"}
        done = fairing_kfp.run(
            self._pipeline, runner="docker", docker=options, output=self._output, reuse=False, **self._where
        )
        return float(done.outputs["Output"])


def _uncompiled(step: _Ours) -> Stages:
    with mock.patch.object(Target, "is_compiled_here", False):
        return step.starts()


def _kfp_starts(work: Workplace, base: str, function: Callable[[], float], packages: list[str]) -> Stages:
    pipeline = pipeline_of(dsl.component(base_image=base, packages_to_install=packages)(function))
    runner = local.DockerRunner(network_mode="host", environment=pip_settings())
    local.init(runner, pipeline_root=str(work.folder / "kfp"), raise_on_error=True)
    try:
        return {"start": _start(lambda: float(pipeline().output))}
    except RuntimeError as error:
        raise MissingError(f"a lightweight component does not run in a container here: {error}") from error


def pipeline_of(component: Any) -> Any:
    """A pipeline of a single step."""

    @dsl.pipeline  # type: ignore[untyped-decorator]
    def start() -> float:
        return component().output  # type: ignore[no-any-return]

    return start


def _start(run: Callable[[], float]) -> Cost:
    began = time.time()
    return Cost(run() - began)


@contextlib.contextmanager
def silence() -> Iterator[None]:
    """Keeps the logs of the steps from the screen."""
    before = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            yield
    finally:
        logging.disable(before)
