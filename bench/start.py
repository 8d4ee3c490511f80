"""From the call to a step's own code in a container: with packages in a layer, or installed by pip.

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
from fairing_kfp.cache.store import Cache
from fairing_kfp.dependencies.target import Target
from fairing_kfp.errors import DependencyError

ROUNDS = 3

_COMPILED = (
    "The same step. Without bytecode Python compiles the modules at every start, since the container's file system "
    "is new each time, or read-only. With bytecode the layers are larger."
)
_NOTE = (
    "One step in a Docker container, from the call to the first line of its function, or until a random forest is "
    "imported; both on the same base image, which Docker has. A lightweight component installs kfp and its packages "
    "from the package index at every start. fairing-kfp has them in layers, which a node pulls before its first "
    "start. Resolving, unpacking and pushing scikit-learn and its dependencies, once for all steps, took "
    "{seconds:.0f} s, with the wheels in uv's cache."
)


def first_line() -> float:
    """The time at which the step's own code starts."""
    import time

    return time.time()


def forest_imported() -> float:
    """The time at which the step can use its packages."""
    import importlib
    import time

    importlib.import_module("sklearn.ensemble")
    return time.time()


_CASES: dict[str, tuple[Callable[[], float], list[str]]] = {
    "no packages": (first_line, []),
    "scikit-learn": (forest_imported, ["scikit-learn==1.7.*"]),
}


def measure() -> list[Table]:
    """Compares cold starts, with and without packages, with and without the image on the node."""
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
    """The function as a step of fairing-kfp, with its image pushed."""

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
        """A start that pulls the image, and one that does not."""
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
    """A pipeline with a single step."""

    @dsl.pipeline  # type: ignore[untyped-decorator]
    def start() -> float:
        return component().output  # type: ignore[no-any-return]

    return start


def _start(run: Callable[[], float]) -> Cost:
    began = time.time()
    return Cost(run() - began)


@contextlib.contextmanager
def silence() -> Iterator[None]:
    """Suppresses the logs of the steps."""
    before = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            yield
    finally:
        logging.disable(before)
