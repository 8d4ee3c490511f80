"""What is done with a whole pipeline: compile it, explain it, run it here."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fairing_kfp.errors import ConfigError, PipelineError
from fairing_kfp.gate import with_gates
from fairing_kfp.kubernetes_secrets import check_here
from fairing_kfp.locking import locks_of, pipeline_name
from fairing_kfp.own_step import OWN_IMAGES
from fairing_kfp.serving.compiled import with_serving
from fairing_kfp.settings import Settings
from fairing_kfp.source import placeholders
from fairing_kfp.whole_file import write_whole

if TYPE_CHECKING:
    from fairing_kfp.build.builder import Builder, Plan
    from fairing_kfp.build.cache import Cache
    from fairing_kfp.build.choose import Builders
    from fairing_kfp.build.progress import Progress
    from fairing_kfp.local.event import Event
    from fairing_kfp.local.run import RunResult
    from fairing_kfp.prepare import Prepared
    from fairing_kfp.preprocess.locks import Locks

_SIDE_BY_SIDE = 8


@dataclass(frozen=True)
class Compiled:
    """A compiled pipeline.

    Attributes:
        text: the pipeline as YAML, its images by digest.
        images: for each component the image it runs in, by digest.
        warnings: sentences for the author.
    """

    text: str
    images: Mapping[str, str]
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class Explained:
    """What a component's image is made of, and what publishing it would do; nothing was sent.

    Attributes:
        prepared: its files, layers and locked requirements.
        plan: what the builder would do; None when no registry is known.
    """

    prepared: Prepared
    plan: Plan | None


def compile(
    pipeline: Any,
    output: str | os.PathLike[str] | None = None,
    *,
    builder: Builder | str | None = None,
    cache: Cache | None = None,
    progress: Progress | None = None,
    **settings: Any,
) -> Compiled:
    """Publishes the images of a pipeline and compiles it to YAML that names them by digest.

    All images are prepared and checked against their bases before the first is sent.

    Args:
        pipeline: what `@dsl.pipeline` or `@fairing_component` makes.
        output: the YAML file to write; only returned when None.
        builder: makes the images of components that name no builder themselves; one of its own, or a name: `append`
            (the default), `layout:FOLDER`, `docker`, `podman`, or `dry-run`, which sends nothing.
        cache: on disk; the user's by default.
        progress: is told of blobs as they are sent, such as `fairing_kfp.display.TransferTeller`; nothing is shown
            without.
        settings: those of `fairing_kfp.settings.Settings`: `registry`, `project`, `base_image`, `platforms`,
            `compression`, `lock`, `insecure`, `ca`, `client_cert`; and `start`, the folder whose pyproject.toml
            holds the others, by default the current one.

    Raises:
        FairingError: an image cannot be made or sent; then no YAML is written.
    """
    named = builder if isinstance(builder, str) else None
    chosen = Settings.load(builder=named, **settings)
    text = with_serving(traced(pipeline), chosen)
    cache = cache or _default_cache()
    locks = locks_of(pipeline, text, chosen, settings.get("start"), cache)
    prepared = _prepared(text, chosen, cache, locks)
    prepared |= _own_images(text, chosen, cache)
    unkept = locks.keep()
    with _builders(chosen, text, cache, progress, None if isinstance(builder, str) else builder) as builders:
        references = _publish(prepared, builders)
    compiled = Compiled(
        _replaced(text, {**{mark: chosen.own_image or mark for mark in OWN_IMAGES}, **references}),
        {item.name: references[mark] for mark, item in prepared.items()},
        (*(warning for item in prepared.values() for warning in item.bundle.warnings), *([unkept] if unkept else ())),
    )
    if output is not None:
        write_whole(Path(output), compiled.text)
    return compiled


def explain(pipeline: Any, *, cache: Cache | None = None, **settings: Any) -> list[Explained]:
    """What each component's image is made of, and what compiling would send. Sends nothing.

    Args:
        pipeline: what `@dsl.pipeline` or `@fairing_component` makes.
        cache: on disk; the user's by default.
        settings: as for `compile`; without a registry nothing is said of what would be sent.

    Raises:
        FairingError: an image cannot be made.
    """
    text, chosen = traced(pipeline), Settings.load(**settings)
    cache = cache or _default_cache()
    locks = locks_of(pipeline, text, chosen, settings.get("start"), cache)
    prepared = [*_prepared(text, chosen, cache, locks).values(), *_own_images(text, chosen, cache).values()]
    with _builders(chosen, text, cache) as builders:

        def explained(item: Prepared) -> Explained:
            needs_registry = (item.builder or chosen.builder) in (None, "append", "dry-run")
            known = chosen.registry or not needs_registry
            return Explained(item, builders.of(item.builder).plan(item.image) if known else None)

        return _each(explained, prepared)


def run(
    pipeline: Any,
    arguments: Mapping[str, Any] | None = None,
    *,
    runner: str = "subprocess",
    output: str | os.PathLike[str] = "local_outputs",
    reuse: bool = True,
    docker: Mapping[str, Any] | None = None,
    tell: Callable[[Event], None] | None = None,
    progress: Progress | None = None,
    cache: Cache | None = None,
    **settings: Any,
) -> RunResult:
    """Runs a pipeline on this machine.

    Args:
        pipeline: what `@dsl.pipeline` makes.
        arguments: its parameters.
        runner: `subprocess` runs the code layers on this interpreter, without Docker, registry or base image;
            `docker` publishes the images and runs them; without a registry or a builder they stay in the engine.
        output: the folder in which the run's own folder is made.
        reuse: whether steps that ran before with the same code and inputs are not run again.
        docker: further arguments of docker's `containers.create`, such as `network_mode`.
        tell: is told what happens; shows it by default.
        progress: is told of blobs as they are sent; shown by default where `tell` is.
        cache: on disk; the user's by default.
        settings: as for `compile`.

    Raises:
        StepFailedError: a step failed; it holds the step's log.
        FairingError: an image cannot be made, or a parameter is wrong.
    """
    import yaml

    from fairing_kfp.local import launches
    from fairing_kfp.local.run import check_arguments, run_graph

    if runner not in ("subprocess", "docker"):
        raise ConfigError(f"there is no runner {runner!r}", "use subprocess or docker")
    text, chosen = traced(pipeline), Settings.load(**settings)
    if runner == "docker":
        chosen = _runnable(chosen, text)
    given = check_arguments(next(yaml.safe_load_all(text)), arguments or {})
    check_here(placeholders(text).values())
    cache = cache or _default_cache()
    locks = locks_of(pipeline, text, chosen, settings.get("start"), cache)
    with contextlib.ExitStack() as shown:
        if tell is None:
            from fairing_kfp.display import StepTeller, console

            teller = shown.enter_context(StepTeller(console()))
            tell, progress = teller, progress or teller.transfers
        if runner == "docker":
            prepared = _prepared(text, chosen, cache, locks)
            prepared = {mark: item for mark, item in prepared.items() if not item.bundle.serves}
            unkept = locks.keep()
            with _builders(chosen, text, cache, progress) as builders:
                references = _publish(prepared, builders)
            started = {
                mark: launches.in_docker(item, references[mark], docker, unkept if number == 0 else "")
                for number, (mark, item) in enumerate(prepared.items())
            }
        else:
            started = {}
        for mark, source in placeholders(text).items():
            if mark not in started:  # without Docker all; with it, what is served: its port is this machine's
                started[mark] = launches.in_process(source, chosen, cache, locks)
        return run_graph(text, started, given, Path(output), cache, reuse=reuse, tell=tell)


def traced(pipeline: Any) -> str:
    """The pipeline as kfp compiles it, with placeholders for images and with gates after notebooks."""
    from kfp import compiler

    from fairing_kfp.preprocess.full_notebook import FullNotebookSource

    if not hasattr(pipeline, "pipeline_spec"):
        raise PipelineError(f"{pipeline!r} is not a pipeline", "decorate a function with @dsl.pipeline")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "pipeline.yaml"
        compiler.Compiler().compile(pipeline, str(path))
        text = path.read_text(encoding="utf-8")
    sources = placeholders(text).items()
    return with_gates(text, [mark for mark, source in sources if isinstance(source.code, FullNotebookSource)])


def _prepared(text: str, settings: Settings, cache: Cache, locks: Locks) -> dict[str, Prepared]:
    from fairing_kfp.prepare import prepare

    return {mark: prepare(source, settings, cache, locks) for mark, source in placeholders(text).items()}


def _own_images(text: str, settings: Settings, cache: Cache) -> dict[str, Prepared]:
    """Our own images that steps of the pipeline run in, if the settings name none."""
    marks = [mark for mark in OWN_IMAGES if mark in text]
    if marks and settings.own_image:
        from fairing_kfp.image.reference import Reference

        if not Reference.parse(settings.own_image).digest:
            raise ConfigError(
                f"own_image={settings.own_image!r} names no digest", "take it from what `components publish` wrote"
            )
        return {}
    from fairing_kfp.own_image import own_image

    return {mark: own_image(settings, cache, OWN_IMAGES[mark]) for mark in marks}


def _publish(prepared: Mapping[str, Prepared], builders: Builders) -> dict[str, str]:
    """Publishes all images side by side, once all of them have been checked."""
    # All at once, and here: what a builder lacks shows before anything is read.
    given = [(builders.of(item.builder), item.image) for item in prepared.values()]
    _each(lambda one: one[0].check(one[1]), given)
    return dict(zip(prepared, _each(lambda one: one[0].publish(one[1]), given), strict=True))


def _each(verb: Callable[[Any], Any], items: Iterable[Any]) -> list[Any]:
    with ThreadPoolExecutor(_SIDE_BY_SIDE, thread_name_prefix="fairing-kfp") as pool:
        try:
            return list(pool.map(verb, items))
        except KeyboardInterrupt:
            from fairing_kfp.registry.stop import stop_all

            stop_all()
            raise


def _runnable(settings: Settings, text: str) -> Settings:
    """The settings of the docker runner, which runs what is in an engine or in a registry."""
    if settings.builder is None and not settings.registry:
        settings = replace(settings, builder="docker")
    for name in [settings.builder, *(source.builder for source in placeholders(text).values())]:
        if name == "dry-run" or (name or "").startswith("layout:"):
            raise ConfigError(
                f"the docker runner cannot run what the builder {name!r} makes",
                "use the builder docker, or append with a registry; or --runner subprocess, which needs none",
            )
    return settings


def _replaced(text: str, references: Mapping[str, str]) -> str:
    for mark, reference in references.items():
        text = text.replace(mark, reference)
    return text


def _default_cache() -> Cache:
    from fairing_kfp.build.cache import Cache

    return Cache()


def _builders(
    settings: Settings, text: str, cache: Cache, progress: Progress | None = None, default: Builder | None = None
) -> Builders:
    from fairing_kfp.build.choose import Builders

    return Builders(settings, pipeline_name(text), cache, progress, default)
