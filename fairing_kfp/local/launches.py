"""How the steps of a component are started here: from its unpacked layers, or in its image."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fairing_kfp.local.launcher import Launch
from fairing_kfp.local.root import bare_python, root_digest, unpack_root
from fairing_kfp.preprocess.places import COMMAND, DEPENDENCIES, ROOT, SERVE

if TYPE_CHECKING:
    from fairing_kfp.build.cache import Cache
    from fairing_kfp.prepare import Prepared
    from fairing_kfp.preprocess.lock import Lock
    from fairing_kfp.preprocess.locks import Locks
    from fairing_kfp.settings import Settings
    from fairing_kfp.source import ComponentSource


@dataclass(frozen=True)
class Started:
    """How the steps of a component run here.

    Attributes:
        image: what stands for the image; steps are reused as long as it is the same.
        launch: how one is started.
        warnings: sentences for the author.
    """

    image: str
    launch: Launch
    warnings: tuple[str, ...] = ()


def in_process(source: ComponentSource, settings: Settings, cache: Cache, locks: Locks) -> Started:
    """The launch of the very layers that would be pushed.

    What the base image would hold (`provided=`) is resolved for this interpreter, as the packages are: at the versions
    that are kept for the image, unless they have no wheel for this machine. No others are kept.
    """
    from fairing_kfp.image.layer import Layer
    from fairing_kfp.prepare import requirements_of, runtime_layer
    from fairing_kfp.preprocess import dependencies
    from fairing_kfp.preprocess.dependencies import Target, unpack
    from fairing_kfp.preprocess.placed import WORKING

    bundle = source.bundle()
    layers = [runtime_layer(), *bundle.layers]
    trees: dict[str, Path] = {}
    lock, warnings, program = "", bundle.warnings, COMMAND[1]
    if bundle.serves:
        from fairing_kfp.serving import layer

        server = layer.server_lock(Target.for_host())
        layers.append(Layer.of_files("server", layer.server_files()))
        trees[layer.PACKAGES], lock, program = unpack(server, cache), server.digest, SERVE[1]
    if source.packages or source.provided:
        wanted = requirements_of(source, bundle, settings)
        kept = locks.versions(wanted)
        locked = dependencies.resolve(wanted, Target.for_host(), cache, kept)
        trees[DEPENDENCIES], lock = unpack(locked, cache), lock + locked.digest
        warnings += _differences(source.name, locked, kept)
    digest = root_digest(layers, lock, source.env or {})
    root = unpack_root(layers, trees, digest, cache)
    command = [str(bare_python(cache)), str(root / Path(program).relative_to(f"/{ROOT}"))]
    # unpacked packages are shared and stay as they are, so that what Python compiles of them goes beside
    env = {"PYTHONPYCACHEPREFIX": str(cache.root / "pycache"), **(source.env or {})}
    launch = Launch(source.name, "subprocess", command, env)
    elsewhere = [file.path for file in bundle.placed if not file.path.startswith(f"{WORKING}/")]
    unseen = [f"{source.name}: /{path} is in its image only, not in a run without Docker" for path in elsewhere]
    return Started(f"fairing.local/{source.name}@{digest}", launch, (*warnings, *unseen))


def in_docker(prepared: Prepared, reference: str, options: Mapping[str, Any] | None, warning: str = "") -> Started:
    """The launch of the image's containers; a further warning may come along."""
    command = list(SERVE if prepared.bundle.serves else COMMAND)
    launch = Launch(prepared.name, "docker", command, {}, reference, dict(options or {}), secrets=prepared.secrets)
    return Started(reference, launch, (*prepared.bundle.warnings, *([warning] if warning else ())))


def _differences(name: str, locked: Lock, kept: Mapping[str, str]) -> tuple[str, ...]:
    """What the author should know of versions that are not those of the image."""
    others = [
        f"{one} {pin.version} instead of {kept[one]}"
        for one, pin in locked.pins.items()
        if one in kept and pin.version != kept[one]
    ]
    if not others:
        return ()
    return (f"{name} runs here with {', '.join(others)} of fairing.lock, which has no wheel for this machine",)
