"""Images appended to their base in a registry, without Docker: what the registry has is only named, the rest is sent.

What a registry holds is remembered on disk, because asking costs a request a layer: a manifest of ours that the
registry took lists layers that the registry has. Should it have lost one since, it refuses the next manifest that
lists it; then nothing is taken for granted any more, and all is done once again.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import cached_property, partial
from typing import BinaryIO

from fairing_kfp.build.bases import Bases
from fairing_kfp.build.builder import Plan, PlannedLayer, State, platforms_of, tag_of
from fairing_kfp.build.cache import Cache
from fairing_kfp.build.once import Once
from fairing_kfp.build.progress import Progress, Transfer, followed, silent
from fairing_kfp.errors import ImageError, RegistryError
from fairing_kfp.image.assemble import Whole, assemble_whole
from fairing_kfp.image.descriptor import Descriptor, digest_of
from fairing_kfp.image.dockerfile import in_registry
from fairing_kfp.image.layer import HELD
from fairing_kfp.image.multi_image import Recipe
from fairing_kfp.image.reference import Reference
from fairing_kfp.registry.auth import pull, push
from fairing_kfp.registry.client import RegistryClient
from fairing_kfp.registry.repository import Repository

_LAYER = "pushed-layer"
_IMAGE = "pushed-image"
_WORKERS = 8


class AppendBuilder:
    """Puts images into one repository of a registry, so that they share layers.

    Args:
        target: the repository, as `registry/repository`.
        cache: keeps base manifests, and what the registry is known to hold.
        client: reaches the registries.
        progress: is told of every blob.
        tag: the images' tag, in which `{name}` and `{digest}` are filled in.
        workers: how many blobs move at a time, of all images together.
    """

    def __init__(
        self,
        target: Reference | str,
        *,
        cache: Cache,
        client: RegistryClient,
        progress: Progress = silent,
        tag: str | None = None,
        workers: int = _WORKERS,
    ) -> None:
        self._target = target if isinstance(target, Reference) else Reference.parse(target)
        self._cache = cache
        self._client = client
        self._progress = progress
        self._tag = tag
        self._bases = Bases(cache)
        self._pool = ThreadPoolExecutor(workers, thread_name_prefix="fairing-kfp-append")
        self._moved: Once[None] = Once()
        self._tagged: dict[str, tuple[str, str]] = {}

    def check(self, image: Recipe) -> None:
        """Whether the base can bear the image, and its tag is free; see `Builder`."""
        self._job(image)

    def plan(self, image: Recipe) -> Plan:
        """What `publish` would do; see `Builder`."""
        job = self._job(image)
        if exists := self._is_there(job):
            self._remember(job)
        states = self._pool.map(partial(self._state, job), job.layers)
        planned = list(zip(job.layers, states, strict=True))
        asked = [state for blob, state in planned if not self._is_held(job, blob)]
        sent = sum(blob.size for blob, state in planned if state == "send")
        whole, platforms = job.whole, platforms_of(job.whole)
        described = [len(part.config) + len(part.manifest.data) for part in whole.parts]
        if whole.indexed:
            described.append(len(whole.manifest.data))
        return Plan(
            reference=str(job.image),
            tag=job.tag,
            base=str(whole.parts[0].base.reference),
            layers=tuple(
                PlannedLayer(blob.name, blob.digest, blob.size, state, platforms[blob.digest])
                for blob, state in planned
            ),
            exists=exists,
            bytes_to_send=0 if exists else sent + sum(described),
            # Naming a layer takes one request, sending it two; a config takes two as well, and a manifest one.
            requests=1
            if exists
            else len(job.whole.indexed)
            + 1
            + 2 * len(whole.parts)
            + sum(2 if state == "send" else 1 for state in asked),
        )

    def publish(self, image: Recipe) -> str:
        """Sends what the registry lacks of an image; see `Builder`."""
        job = self._job(image)
        if self._was_pushed(job) and self._is_there(job):
            return str(job.image)
        lacking = [blob for blob in job.blobs if not self._is_held(job, blob)]
        try:
            self._send(job, lacking)
        except RegistryError as error:
            if error.status not in (400, 404) or len(lacking) == len(job.blobs):
                raise
            for blob in job.blobs:
                self._moved.forget(blob.digest)
            self._send(job, job.blobs)
        self._remember(job)
        return str(job.image)

    def close(self) -> None:
        """Ends the builder's threads, when they have done what they were given."""
        self._pool.shutdown()

    def _job(self, image: Recipe) -> _Job:
        """What publishing an image comes down to.

        Raises:
            ImageError: the base cannot bear it, or its tag is that of another component.
        """
        base = in_registry(image.images[0])
        near = base.registry == self._target.registry
        access = {push(self._target.repository)} | ({pull(base.repository)} if near else set())
        target = Repository(self._client, self._target.registry, self._target.repository, frozenset(access))
        source = replace(target, name=base.repository)
        if not near:
            scopes = frozenset({pull(base.repository)})
            source = replace(source, registry=base.registry, access=scopes)
        whole = assemble_whole(image, lambda part: self._bases.of(part, source))
        tag = tag_of(image, whole.digest, self._tag)
        other, its_digest = self._tagged.setdefault(tag, (image.name, whole.digest))
        if image.name != other and whole.digest != its_digest:
            raise ImageError(
                f"the tag {tag!r} of {image.name} is {other}'s already",
                "put the name into the tag, as in tag='{name}-v1'",
            )
        return _Job(whole, tag, source, target)

    def _send(self, job: _Job, blobs: list[_Blob]) -> None:
        """Sends blobs side by side, and the manifest when they are there."""
        moves = [self._moved.submit(self._pool, blob.digest, partial(self._move, job, blob)) for blob in blobs]
        for move in moves:
            move.result()
        # An index may name only what is there, so those that it lists come first, by their digests.
        for _ in self._pool.map(lambda one: job.target.put_manifest(one, one.digest), job.whole.indexed):
            pass
        job.target.put_manifest(job.whole.manifest, job.tag)

    def _move(self, job: _Job, blob: _Blob) -> None:
        transfer = Transfer(blob.name, blob.digest, blob.size)
        self._progress(transfer)
        open_blob = followed(blob.open, transfer, self._progress)
        outcome = job.target.put_blob(blob.digest, blob.size, open_blob, mount_from=blob.mount_from)
        self._progress(replace(transfer, done=blob.size, state=outcome))

    def _state(self, job: _Job, blob: _Blob) -> State:
        if self._is_held(job, blob) or job.target.has_blob(blob.digest):
            return "exists"
        return "mount" if blob.mount_from else "send"

    def _is_there(self, job: _Job) -> bool:
        """Asked by its tag, so that one answer tells of both: the image is there, and the tag is its."""
        return job.target.head(job.tag) == job.whole.digest

    def _is_held(self, job: _Job, blob: _Blob) -> bool:
        """Whether a manifest in the target is known that lists the blob."""
        at_home = blob.mount_from == job.target.name
        return at_home or self._cache.record(_LAYER, f"{self._target.name}@{blob.digest}") is not None

    def _was_pushed(self, job: _Job) -> bool:
        return bool(self._cache.record(_IMAGE, f"{self._target.name}:{job.tag}") == job.whole.digest)

    def _remember(self, job: _Job) -> None:
        self._cache.put_record(_IMAGE, f"{self._target.name}:{job.tag}", job.whole.digest)
        for blob in job.layers:
            if not self._is_held(job, blob):
                self._cache.put_record(_LAYER, f"{self._target.name}@{blob.digest}", job.whole.digest)
                self._cache.put_record(HELD, blob.digest, self._target.name)


@dataclass(frozen=True)
class _Blob:
    """A blob that the target shall have.

    Attributes:
        mount_from: a repository of the target's registry that has it already.
    """

    name: str
    digest: str
    size: int
    open: Callable[[], BinaryIO]
    mount_from: str = ""


@dataclass(frozen=True)
class _Job:
    """An image to be sent.

    Attributes:
        source: where its base is.
        target: where it goes.
    """

    whole: Whole
    tag: str
    source: Repository
    target: Repository

    @property
    def image(self) -> Reference:
        """Its name by digest."""
        return Reference(self.target.registry, self.target.name, digest=self.whole.digest)

    @cached_property
    def layers(self) -> list[_Blob]:
        """The bases' layers and those upon them, each once; foreign ones are not for registries to hold."""
        layers: dict[str, _Blob] = {}
        for part in self.whole.parts:
            base = [self._of_base(layer) for layer in part.base.layers if not layer.foreign]
            own = [_Blob(layer.name, layer.digest, layer.size, layer.open) for layer in part.layers]
            for blob in base + own:
                layers.setdefault(blob.digest, blob)
        return list(layers.values())

    @cached_property
    def blobs(self) -> list[_Blob]:
        """The layers, and the configs after them."""
        return [*self.layers, *(_config(part.config) for part in self.whole.parts)]

    def _of_base(self, layer: Descriptor) -> _Blob:
        near = self.source.registry == self.target.registry
        open_blob = partial(self.source.open_blob, layer.digest, layer.size)
        return _Blob("base", layer.digest, layer.size, open_blob, self.source.name if near else "")


def _config(data: bytes) -> _Blob:
    return _Blob("config", digest_of(data), len(data), lambda: io.BytesIO(data))
