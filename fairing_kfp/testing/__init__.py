"""Tests of components and pipelines: fake artifacts for a function, and the pytest fixture `run_pipeline`.

    def test_train():
        model = fake_artifact(dsl.Model)
        train.python_func(depth=3, model=model)
        assert Path(model.path).exists()

    def test_digits(run_pipeline):
        assert run_pipeline(digits, {"depth": 3}).step("train").state == "succeeded"

pytest imports this package in each of its sessions, so it imports kfp and the rest only when a test uses them.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeVar

if TYPE_CHECKING:
    import os

    from typing_extensions import Unpack

    from fairing_kfp.cache.store import Cache
    from fairing_kfp.local.result import RunResult
    from fairing_kfp.settings import BuilderSettingOptions

A = TypeVar("A")

__all__ = ["RunPipeline", "fake_artifact"]


class RunPipeline(Protocol):
    """The fixture `run_pipeline`, for annotations."""

    def __call__(
        self,
        pipeline: Any,
        arguments: Mapping[str, Any] | None = None,
        *,
        runner: Literal["subprocess", "docker", "in-process"] = "subprocess",
        reuse: bool = False,
        parallel: int = 1,
        docker: Mapping[str, Any] | None = None,
        cache: Cache | None = None,
        **settings: Unpack[BuilderSettingOptions],
    ) -> RunResult:
        """Runs a pipeline on this machine, in the test's temporary folder; otherwise like `fairing_kfp.run`.

        Args:
            pipeline: the result of `@dsl.pipeline`, or of `@fairing_component` for a single step.
            arguments: arguments of the pipeline.
            runner: as for `fairing_kfp.run`.
            reuse: whether to reuse outputs of earlier runs; a test runs its steps by default.
            parallel: as for `fairing_kfp.run`.
            docker: as for `fairing_kfp.run`.
            cache: as for `fairing_kfp.run`.
            settings: as for `fairing_kfp.run`.

        Raises:
            StepFailedError: a step failed; its attribute `result` has the steps that ran, and `log` the step's log.
            FairingError: the pipeline cannot run.
        """


def fake_artifact(
    kind: type[A],
    content: str | bytes | None = None,
    *,
    name: str = "",
    metadata: Mapping[str, Any] | None = None,
    folder: str | os.PathLike[str] | None = None,
) -> A:
    """An artifact with a path of its own in a temporary folder, to call a component's function with.

    Args:
        kind: its class, such as `dsl.Model`.
        content: what its file contains, for an input; None makes no file, as for an output.
        name: its name; that of the class by default.
        metadata: its metadata.
        folder: an existing folder to make it in, such as `tmp_path`; by default one that is deleted with the process.

    Raises:
        ConfigError: `kind` is not a class of artifacts.
    """
    from fairing_kfp.testing.artifact import make_artifact

    made: A = make_artifact(kind, content, name, metadata or {}, Path(folder) if folder else None)
    return made
