"""The engine builder: images in Docker or Podman, without a registry, or on a base that is a Dockerfile.

The builder loads an archive of the config and the new layers on top of a base in the engine. The layers are the same
bytes as in a registry, and the image's id is the digest of the config, so the same code gives the same id. (A
Dockerfile with `FROM` and `ADD` would pack the layers again, with times in them.) Docker's classic image store accepts
an archive without the layers that it has. Podman and the containerd image store need all layers, so they get the
base's layers as they save them.
"""

from __future__ import annotations

import tempfile
import threading
from dataclasses import dataclass, replace
from typing import IO, Any

from fairing_kfp.builders.builder import Connection, Plan, PlannedLayer
from fairing_kfp.builders.engine import engine
from fairing_kfp.builders.engine.archive import archive
from fairing_kfp.builders.engine.base import EngineBase, is_for
from fairing_kfp.builders.engine.engine import Engine
from fairing_kfp.builders.progress import Progress, silent
from fairing_kfp.builders.single_flight import SingleFlight
from fairing_kfp.builders.tag import Tags, tag_of
from fairing_kfp.errors import ImageError
from fairing_kfp.image.assemble import AssembledImage, assemble_image
from fairing_kfp.image.base import check_fits
from fairing_kfp.image.descriptor import digest_of
from fairing_kfp.image.dockerfile import Dockerfile
from fairing_kfp.image.image import AnyImage, Image, require_single_platform
from fairing_kfp.image.reference import Reference


def connect(connection: Connection, argument: str) -> EngineBuilder:
    """The builder `docker`.

    Raises:
        UnavailableError: the docker package is not installed, or the engine does not answer.
    """
    return engine_builder(connection, engine.connect("the docker builder"))


def engine_builder(connection: Connection, engine: Engine) -> EngineBuilder:
    """A builder that uses an engine, and pushes images if the setting `registry` is set."""
    push = connection.settings.registry is not None
    return EngineBuilder(connection.repository, engine=engine, push=push, progress=connection.progress)


class EngineBuilder:
    """Makes images in a container engine, and optionally pushes them.

    Args:
        target: the repository; without a registry, one of `localhost`, which is never pulled from.
        engine: the engine.
        push: whether to push images to the repository.
        progress: called with layers as they move.
        tag: template of the tags, with the placeholders `{name}` and `{digest}` (the config's digest).
    """

    def __init__(
        self,
        target: Reference | str,
        *,
        engine: Engine,
        push: bool,
        progress: Progress = silent,
        tag: str | None = None,
    ) -> None:
        self._target = target if isinstance(target, Reference) else Reference.parse(target)
        self._engine = engine
        self._push = push
        self._progress = progress
        self._tags = Tags(tag)
        self._bases: SingleFlight[EngineBase] = SingleFlight()
        self._loading = threading.Lock()
        self._loaded: set[tuple[str, ...]] = set()
        self._saved: dict[str, IO[bytes]] = {}

    def check(self, image: AnyImage) -> None:
        """Checks that the image fits its base. The engine pulls or builds a base that it does not have."""
        self._assemble(self._require_single_platform(image))

    def plan(self, image: AnyImage) -> Plan:
        """Plans what `publish` would do. Pulls and builds nothing, so a base that the engine lacks stays unknown."""
        image = self._require_single_platform(image)
        if self._inspect_base(image) is None:
            base = PlannedLayer("base", str(image.base), 0, "build" if isinstance(image.base, Dockerfile) else "pull")
            own = tuple(PlannedLayer(layer.name, layer.digest, layer.size, "send") for layer in image.layers)
            unknown = "unknown until the engine has the base"
            return Plan(
                str(self._target), unknown, str(image.base), (base, *own), False, sum(layer.size for layer in own), 0
            )
        made = self._assemble(image)
        inspected = self._engine.inspect(made.id)
        own = tuple(
            PlannedLayer(layer.name, layer.digest, layer.size, "exists" if inspected else "send")
            for layer in image.layers
        )
        pushed = self._pushed_reference(inspected or {})
        tags = {Reference.parse(name) for name in (inspected or {}).get("RepoTags") or ()}
        return Plan(
            reference=pushed or str(made.names[0]),
            tag=str(made.names[-1].tag),
            base=str(made.base.base.reference),
            layers=(*(PlannedLayer("base", diff_id, 0, "exists") for diff_id in made.base.diff_ids), *own),
            exists=tags.issuperset(made.names) and (pushed is not None or not self._push),
            bytes_to_send=0 if inspected else sum(layer.size for layer in own),
            requests=0,
        )

    def publish(self, image: AnyImage) -> str:
        """Loads an image into the engine, and pushes it if the builder does; returns its reference.

        An image that is not pushed is referenced by a tag with 12 digits of its id, so each image has its own tag.
        """
        made = self._assemble(self._require_single_platform(image))
        if self._engine.inspect(made.id) is None:
            self._load(made)
        else:
            for name in made.names:
                self._engine.tag(made.id, name)
        if not self._push:
            return str(made.names[0])
        return str(self._target.with_digest(self._engine.push(made.names[0], self._progress)))

    def close(self) -> None:
        """Deletes saved bases, and closes the engine's connections."""
        while self._saved:
            self._saved.popitem()[1].close()
        self._engine.close()

    def _require_single_platform(self, image: AnyImage) -> Image:
        """Rejects images for several platforms: engines store one platform, and cannot push an index."""
        return require_single_platform(image, self._engine.name.lower())

    def _assemble(self, image: Image) -> _EngineImage:
        base = self._bases.get((image.base, image.platform), lambda: self._resolve(image))
        check_fits(base.base, image)
        assembled = assemble_image(base.base, image)
        image_id = digest_of(assembled.config)
        tag = self._tags.of(image, image_id)
        # A pushed image is referenced by digest. Other images only have tags; local runs reuse steps by reference,
        # so one of the tags must not move to another image.
        unique = [] if self._push else [tag_of(replace(image, tag=None), image_id, None)]
        names = tuple(self._target.with_tag(one) for one in dict.fromkeys([*unique, tag]))
        return _EngineImage(base, assembled, image_id, names)

    def _resolve(self, image: Image) -> EngineBase:
        if isinstance(image.base, Dockerfile):
            built = self._engine.build(image.base, image.platform, self._progress)
            inspected, reference = self._engine.inspect(built), Reference("localhost", "dockerfile", digest=built)
        else:
            inspected, reference = self._inspect_base(image), image.base
            if inspected is None:
                self._engine.pull(image.base, image.platform, self._progress)
                inspected = self._engine.inspect(_engine_name(image.base))
            known = [Reference.parse(one) for one in (inspected or {}).get("RepoDigests") or ()]
            reference = next((one for one in known if one.name == image.base.name), image.base)
        if inspected is None:
            raise ImageError(
                f"{self._engine.name} does not have the base image {image.base} any more", "run the command again"
            )
        return EngineBase.of(inspected, reference)

    def _inspect_base(self, image: Image) -> dict[str, Any] | None:
        """The output of `docker inspect` for the base; None if the engine does not have it for the platform."""
        inspected = None if isinstance(image.base, Dockerfile) else self._engine.inspect(_engine_name(image.base))
        return inspected if inspected and is_for(inspected, image.platform) else None

    def _pushed_reference(self, inspected: dict[str, Any]) -> str | None:
        """The image's digest in the target repository, if the engine has pushed it there."""
        known = [Reference.parse(name) for name in inspected.get("RepoDigests") or ()] if self._push else []
        return next((str(name) for name in known if name.name == self._target.name), None)

    def _load(self, made: _EngineImage) -> None:
        """Loads an image: first without the layers that the engine may have, and with more if it rejects that.

        Images are loaded one at a time, so that shared layers are sent once.
        """
        own = [layer.diff_id for layer in made.assembled.layers]
        chains = [(*made.base.diff_ids, *own[: number + 1]) for number in range(len(own))]
        with self._loading:
            known = sum(chain in self._loaded for chain in chains)
            needs_all = made.base.id in self._saved
            attempts = [(0, True)] if needs_all else list(dict.fromkeys([(known, False), (0, False), (0, True)]))
            for skip, with_base in attempts:
                try:
                    self._send(made, skip, with_base)
                except ImageError:
                    if with_base:
                        raise
                else:
                    break
            self._loaded.update(chains)

    def _send(self, made: _EngineImage, skip: int, with_base: bool) -> None:
        if with_base and made.base.id not in self._saved:
            file = tempfile.TemporaryFile()  # noqa: SIM115 - closed with the builder
            self._engine.save(made.base.id, file)
            self._saved[made.base.id] = file
        names = [str(name) for name in made.names]
        base = self._saved[made.base.id] if with_base else None
        self._engine.load(archive(made.assembled, names, base=base, skip=skip, progress=self._progress), names[0])


@dataclass(frozen=True)
class _EngineImage:
    """An assembled image.

    Attributes:
        base: its base in the engine.
        assembled: the image.
        id: its id in the engine: the digest of its config.
        names: references with tags; the first is the one that `publish` returns.
    """

    base: EngineBase
    assembled: AssembledImage
    id: str
    names: tuple[Reference, ...]


def _engine_name(base: Reference) -> str:
    """A reference with digest or tag, but not both: engines do not find an image by both."""
    return f"{base.name}{'@' if base.digest else ':'}{base.wanted}"
