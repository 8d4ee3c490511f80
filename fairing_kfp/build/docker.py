"""Images made by a Docker Engine, or by Podman, which speaks its language: without a registry, or upon a Dockerfile.

An archive of the config and the new layers is loaded upon a base that the engine holds. So the layers are the very
ones that a registry would get, and the image's id is the digest of our config: same code, same id. A Dockerfile with
`FROM` and `ADD` would pack the layers anew, with a time in them. The engine's classic store takes an archive that
leaves out what it has; Podman and the containerd store want every layer, and get the base's as they save them.
"""

from __future__ import annotations

import tempfile
import threading
from dataclasses import dataclass, replace
from typing import IO, Any

from fairing_kfp.build.archive import archive
from fairing_kfp.build.builder import Plan, PlannedLayer, tag_of
from fairing_kfp.build.engine import Engine
from fairing_kfp.build.engine_base import EngineBase, is_for
from fairing_kfp.build.once import Once
from fairing_kfp.build.progress import Progress, silent
from fairing_kfp.errors import ImageError
from fairing_kfp.image.assemble import Assembled, assemble
from fairing_kfp.image.base import preflight
from fairing_kfp.image.descriptor import digest_of
from fairing_kfp.image.dockerfile import Dockerfile
from fairing_kfp.image.image import Image
from fairing_kfp.image.multi_image import Recipe, single
from fairing_kfp.image.reference import Reference


class DockerBuilder:
    """Makes images in an engine, and pushes them if there is a registry for them.

    Args:
        target: the repository; without a registry one of `localhost`, which nothing is ever pulled from.
        engine: makes them.
        push: whether the repository is in a registry.
        progress: is told of layers.
        tag: the images' tag, in which `{name}` and `{digest}` (that of the config) are filled in.
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
        self._tag = tag
        self._bases: Once[EngineBase] = Once()
        self._tagged: dict[str, tuple[str, str]] = {}
        self._loading = threading.Lock()
        self._loaded: set[tuple[str, ...]] = set()
        self._saved: dict[str, IO[bytes]] = {}

    def check(self, image: Recipe) -> None:
        """Whether the base can bear the image; the engine fetches or builds what it has not; see `Builder`."""
        self._job(self._single(image))

    def plan(self, image: Recipe) -> Plan:
        """What `publish` would do; see `Builder`.

        Nothing is fetched or built: of an image whose base the engine has not, little is known.
        """
        image = self._single(image)
        if self._held(image) is None:
            base = PlannedLayer("base", str(image.base), 0, "build" if isinstance(image.base, Dockerfile) else "pull")
            own = tuple(PlannedLayer(layer.name, layer.digest, layer.size, "send") for layer in image.layers)
            unknown = "known when its base is here"
            return Plan(
                str(self._target), unknown, str(image.base), (base, *own), False, sum(layer.size for layer in own), 0
            )
        job = self._job(image)
        loaded = self._engine.inspect(job.id)
        own = tuple(
            PlannedLayer(layer.name, layer.digest, layer.size, "exists" if loaded else "send") for layer in image.layers
        )
        pushed = self._pushed(loaded or {})
        tags = {Reference.parse(name) for name in (loaded or {}).get("RepoTags") or ()}
        return Plan(
            reference=pushed or str(job.names[0]),
            tag=str(job.names[-1].tag),
            base=str(job.below.base.reference),
            layers=(*(PlannedLayer("base", diff_id, 0, "exists") for diff_id in job.below.diff_ids), *own),
            exists=tags.issuperset(job.names) and (pushed is not None or not self._push),
            bytes_to_send=0 if loaded else sum(layer.size for layer in own),
            requests=0,
        )

    def publish(self, image: Recipe) -> str:
        """Loads an image into the engine, and pushes it if there is where to; see `Builder`.

        Without a registry its name is a tag with 12 digits of its id, so that another image has another name.
        """
        job = self._job(self._single(image))
        if self._engine.inspect(job.id) is None:
            self._load(job)
        else:
            for name in job.names:
                self._engine.tag(job.id, name)
        if not self._push:
            return str(job.names[0])
        return str(self._target.with_digest(self._engine.push(job.names[0], self._progress)))

    def close(self) -> None:
        """Drops what was kept of bases."""
        while self._saved:
            self._saved.popitem()[1].close()
        self._engine.close()

    def _single(self, image: Recipe) -> Image:
        """What an engine can make; engines store images for their own platform, and push no index of several."""
        return single(image, self._engine.name.lower())

    def _job(self, image: Image) -> _Job:
        below = self._bases.get((image.base, image.platform), lambda: self._resolve(image))
        preflight(below.base, image)
        assembled = assemble(below.base, image)
        image_id = digest_of(assembled.config)
        tag = tag_of(image, image_id, self._tag)
        other, its_id = self._tagged.setdefault(tag, (image.name, image_id))
        if image.name != other and image_id != its_id:
            raise ImageError(
                f"the tag {tag!r} of {image.name} is {other}'s already",
                "put the name into the tag, as in tag='{name}-v1'",
            )
        # What is pushed has a digest to be known by. What stays here has only a tag, which may not come to mean
        # another image: steps are reused by it.
        own = [] if self._push else [tag_of(replace(image, tag=None), image_id, None)]
        names = tuple(self._target.with_tag(one) for one in dict.fromkeys([*own, tag]))
        return _Job(below, assembled, image_id, names)

    def _resolve(self, image: Image) -> EngineBase:
        if isinstance(image.base, Dockerfile):
            built = self._engine.build(image.base, image.platform, self._progress)
            told, reference = self._engine.inspect(built), Reference("localhost", "dockerfile", digest=built)
        else:
            told, reference = self._held(image), image.base
            if told is None:
                self._engine.pull(image.base, image.platform, self._progress)
                told = self._engine.inspect(_spelled(image.base))
            known = [Reference.parse(one) for one in (told or {}).get("RepoDigests") or ()]
            reference = next((one for one in known if one.name == image.base.name), image.base)
        if told is None:
            raise ImageError(f"{self._engine.name} has lost the base image {image.base}", "run the same command again")
        return EngineBase.of(told, reference)

    def _held(self, image: Image) -> dict[str, Any] | None:
        """What the engine tells of the base, if it has it for the image's platform."""
        told = None if isinstance(image.base, Dockerfile) else self._engine.inspect(_spelled(image.base))
        return told if told and is_for(told, image.platform) else None

    def _pushed(self, told: dict[str, Any]) -> str | None:
        """The name by digest that the engine remembers having pushed an image under."""
        known = [Reference.parse(name) for name in told.get("RepoDigests") or ()] if self._push else []
        return next((str(name) for name in known if name.name == self._target.name), None)

    def _load(self, job: _Job) -> None:
        """Loads an image: with as little as the engine may need, or else with all of it.

        One at a time, so that what images share is sent with the first.
        """
        own = [layer.diff_id for layer in job.assembled.layers]
        chains = [(*job.below.diff_ids, *own[: number + 1]) for number in range(len(own))]
        with self._loading:
            known = sum(chain in self._loaded for chain in chains)
            whole = job.below.id in self._saved
            for left_out, with_base in [(0, True)] if whole else dict.fromkeys([(known, False), (0, False), (0, True)]):
                try:
                    self._send(job, left_out, with_base)
                except ImageError:
                    if with_base:
                        raise
                else:
                    break
            self._loaded.update(chains)

    def _send(self, job: _Job, left_out: int, with_base: bool) -> None:
        if with_base and job.below.id not in self._saved:
            file = tempfile.TemporaryFile()  # noqa: SIM115 - closed with the builder
            self._engine.save(job.below.id, file)
            self._saved[job.below.id] = file
        names = [str(name) for name in job.names]
        base = self._saved[job.below.id] if with_base else None
        self._engine.load(
            archive(job.assembled, names, base=base, left_out=left_out, progress=self._progress), names[0]
        )


@dataclass(frozen=True)
class _Job:
    """An image to be made.

    Attributes:
        below: its base.
        id: the digest of its config.
        names: what it is to be called; the first is what it is known by.
    """

    below: EngineBase
    assembled: Assembled
    id: str
    names: tuple[Reference, ...]


def _spelled(base: Reference) -> str:
    """A base by its digest, or by its tag; engines do not find an image by both."""
    return f"{base.name}{'@' if base.digest else ':'}{base.wanted}"
