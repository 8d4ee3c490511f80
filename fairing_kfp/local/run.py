"""`run`: runs a pipeline on this machine."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from fairing_kfp.builders.progress import status_of
from fairing_kfp.builders.select import Builders, runs_here
from fairing_kfp.cache.store import Cache
from fairing_kfp.dependencies.pipeline_lock import PipelineLock
from fairing_kfp.errors import ConfigError
from fairing_kfp.local.image import LocalImage, docker_image, unpacked_image
from fairing_kfp.local.in_process import in_process_image
from fairing_kfp.local.journal import Journal
from fairing_kfp.local.rerun import Rerun
from fairing_kfp.local.result import RunResult
from fairing_kfp.local.runner import run_pipeline
from fairing_kfp.local.secrets import check_secrets
from fairing_kfp.option_signature import lists_options
from fairing_kfp.pipeline.arguments import check_arguments
from fairing_kfp.pipeline.builtin_steps import serving_spec_of
from fairing_kfp.pipeline.call import check_call
from fairing_kfp.pipeline.lock_place import lock_path
from fairing_kfp.pipeline.publish import check_all, publish_all, recipes
from fairing_kfp.pipeline.secret_gate import check_pipeline
from fairing_kfp.pipeline.trace import TracedPipeline, trace
from fairing_kfp.settings import BuilderSettingOptions, Settings

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from fairing_kfp.builders.progress import Progress
    from fairing_kfp.display.event import Event
    from fairing_kfp.serving.spec import ServingSpec


@lists_options(BuilderSettingOptions, described_by=Settings)
def run(
    pipeline: Any,
    arguments: Mapping[str, Any] | None = None,
    *,
    runner: Literal["subprocess", "docker", "in-process"] = "subprocess",
    output: str | os.PathLike[str] = "local_outputs",
    reuse: bool = True,
    parallel: int = 1,
    docker: Mapping[str, Any] | None = None,
    rerun: str | os.PathLike[str] | None = None,
    from_step: str = "",
    on_event: Callable[[Event], None] | None = None,
    progress: Progress | None = None,
    cache: Cache | None = None,
    **settings: Unpack[BuilderSettingOptions],
) -> RunResult:
    """Runs a pipeline on this machine.

    Args:
        pipeline: the result of `@dsl.pipeline`.
        arguments: arguments of the pipeline.
        runner: `subprocess` runs the code layers with this interpreter, without Docker, registry or base image.
            `docker` publishes the images and runs them; without a registry or a builder, they stay in the engine.
            `in-process` calls the functions in this process, with its packages, for debuggers.
        output: folder in which to create the run's folder.
        reuse: whether to reuse the outputs of earlier steps with the same code and inputs.
        parallel: how many steps may run at a time. With 1 they run in the order of the graph; with more, steps that do
            not depend on each other run side by side, iterations of loops too (up to their `parallelism`).
        docker: extra arguments of docker's `containers.create`, such as `network_mode`, which is `host` by default if
            the pipeline serves a model.
        rerun: folder of an earlier run of the pipeline, whose arguments are the default, and whose tasks that do not
            run again keep their outputs, even if their code changed.
        from_step: name of the task of `rerun` that runs again, with all tasks after it, and exit handlers.
        on_event: called with each event; prints them by default.
        progress: called with blobs as they are sent; prints them by default.
        cache: cache on disk; the user's by default.
        settings: as for `compile`.

    Raises:
        StepFailedError: a step failed; its attribute `log` is the step's log.
        FairingError: an image cannot be made, or an argument is invalid.
    """
    given_options = {"runner": runner, "output": output, "reuse": reuse, "docker": docker}
    check_call("run", pipeline, settings, arguments=arguments, on_event=on_event, progress=progress, **given_options)
    if isinstance(parallel, bool) or not isinstance(parallel, int) or parallel < 1:
        raise ConfigError(f"parallel is {parallel!r}", "use the number of steps that may run at a time, at least 1")
    if (rerun is None) != (not from_step):
        raise ConfigError("rerun and from_step are given together", "name the earlier run, and the task to run from")
    if runner == "in-process" and parallel > 1:
        raise ConfigError("steps that are called in this process run one at a time", "leave parallel out")
    chosen, traced = Settings.load(**settings), trace(pipeline)
    serving = _serving(traced)
    if runner == "docker":
        chosen, docker = _for_docker(chosen, traced), _docker_options(docker, serving)
    journal = Journal.read(Path(rerun)) if rerun is not None else None
    arguments = {**(journal.arguments if journal else {}), **(arguments or {})}
    given = check_arguments(traced.specification, arguments, traced.typed_inputs)
    earlier = Rerun.of(journal, traced.specification, from_step) if journal else None
    check_secrets(traced.sources.values())
    cache = cache or Cache(on_miss=lambda text: status_of(progress)(text))  # the display is opened below
    path = lock_path(traced.folder, chosen, settings.get("start"))
    pipeline_lock = PipelineLock(cache, path, traced.name, locked=chosen.locked)
    with contextlib.ExitStack() as stack:
        if on_event is None:
            from fairing_kfp.display import RunDisplay, console

            display = stack.enter_context(RunDisplay(console()))
            on_event, progress = display, progress or display.transfers
        images: dict[str, LocalImage] = {}
        if runner == "docker":
            published = {
                placeholder: recipe
                for placeholder, recipe in recipes(traced, chosen, cache, pipeline_lock).items()
                if not recipe.bundle.serves
            }
            check_pipeline(traced, chosen.allow_secrets, [recipe.bundle for recipe in published.values()])
            lock_warning = pipeline_lock.save()
            with Builders(chosen, traced.name, cache, progress) as builders:
                check_all(published, builders)
                references = publish_all(published, builders)
            for placeholder, recipe in published.items():
                images[placeholder] = docker_image(recipe, references[placeholder], docker, lock_warning)
                lock_warning = ""
        served = {spec.image for spec in serving}
        for placeholder, source in traced.sources.items():
            if runner == "in-process" and placeholder not in served:
                images[placeholder] = in_process_image(source)
            elif placeholder not in images:  # a predictor is never a container, since it listens on a local port
                images[placeholder] = unpacked_image(source, chosen, cache, pipeline_lock)
        extra = dict(docker or {}) if runner == "docker" else None
        return run_pipeline(
            traced,
            images,
            given,
            Path(output),
            cache,
            reuse=reuse,
            on_event=on_event,
            docker=extra,
            parallel=parallel,
            rerun=earlier,
        )


def _serving(traced: TracedPipeline) -> list[ServingSpec]:
    """The specs of the serve steps of a pipeline."""
    return [spec for spec in map(serving_spec_of, traced.specification.containers) if spec]


def _docker_options(given: Mapping[str, Any] | None, serving: Sequence[ServingSpec]) -> dict[str, Any]:
    """The options of containers: those of pipelines that serve a model reach its server on this machine's loopback."""
    return {**({"network_mode": "host"} if serving and "network" not in (given or {}) else {}), **(given or {})}


def _for_docker(settings: Settings, traced: TracedPipeline) -> Settings:
    """The settings of the docker runner.

    Raises:
        ConfigError: a builder's images are neither in the engine nor in a registry.
    """
    if settings.builder is None and not settings.registry:
        settings = replace(settings, builder="docker")
    for name in [settings.builder, *(source.builder for source in traced.sources.values())]:
        if not runs_here(name):
            raise ConfigError(
                f"the docker runner cannot run images of the builder {name!r}",
                "use the builder docker, append with a registry, or --runner subprocess",
            )
    return settings
