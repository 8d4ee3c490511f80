"""The append builder: adds layers to a base image in a registry, without a container engine.

Layers that the registry has are mounted or only listed; the others are sent. To save a request per layer, the cache
records which layers a repository is known to have: those of manifests that it accepted. A registry that has lost one
of them rejects the next manifest that lists it; then the records are ignored, and every blob is checked and sent again.
"""

from __future__ import annotations

import contextlib
import io
from dataclasses import replace
from functools import cached_property, partial
from typing import TYPE_CHECKING

from fairing_kfp.builders.bases import Bases, registry_base
from fairing_kfp.builders.blobs import Blob, layers_of, platforms_of
from fairing_kfp.builders.create_repository import RepositoryCreator
from fairing_kfp.builders.progress import Progress, Transfer, silent, with_progress
from fairing_kfp.builders.single_flight import SingleFlight
from fairing_kfp.builders.tag import Tags
from fairing_kfp.builders.threads import Threads
from fairing_kfp.cache.store import KNOWN_REMOTE, Cache
from fairing_kfp.errors import FairingError, MissingRepositoryError, RegistryError
from fairing_kfp.frozen import dataclass
from fairing_kfp.image.assemble import AssembledIndex, assemble_index
from fairing_kfp.image.descriptor import digest_of
from fairing_kfp.image.image import AnyImage
from fairing_kfp.image.reference import Reference
from fairing_kfp.registry.auth import pull, push
from fairing_kfp.registry.client import RegistryClient
from fairing_kfp.registry.repository import Repository

if TYPE_CHECKING:
    from fairing_kfp.builders.builder import Connection, Plan, State

_LAYER = "pushed-layer"
_IMAGE = "pushed-image"
_WORKERS = 8


def connect(connection: Connection, argument: str) -> AppendBuilder:
    """The builder `append`.

    Raises:
        ConfigError: the setting `registry` is missing or malformed.
    """
    repository = connection.settings.repository(connection.pipeline)
    return AppendBuilder(
        repository,
        cache=connection.cache,
        client=connection.client(),
        progress=connection.progress,
        create_repository=connection.settings.create_repository,
    )


class AppendBuilder:
    """Pushes images to one repository, where they share layers.

    Args:
        target: the repository, as `registry/repository`.
        cache: stores base manifests, and records of layers that the registry is known to have.
        client: client of the registries.
        progress: called with blobs as they move.
        tag: template of the tags, with the placeholders `{name}` and `{digest}`.
        workers: number of blobs that move at the same time, for all images together.
        create_repository: whether to create the repository if it does not exist and the registry does not do so.

    Raises:
        ConfigError: `create_repository` needs a package that is not installed.
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
        create_repository: bool = False,
    ) -> None:
        self._target = target if isinstance(target, Reference) else Reference.parse(target)
        self._cache = cache
        self._client = client
        self._progress = progress
        self._tags = Tags(tag)
        self._bases = Bases(cache, client)
        self._creator = RepositoryCreator(self._target, create_repository)
        self._pool = Threads(workers, "fairing-kfp-append")
        self._sent: SingleFlight[None] = SingleFlight()
        self._connected = False

    def check(self, image: AnyImage) -> None:
        """Checks that the image fits its base, and that no other component has its tag."""
        self._upload_of(image)

    def plan(self, image: AnyImage) -> Plan:
        """Plans what `publish` would do."""
        from fairing_kfp.builders.builder import Plan, PlannedLayer  # on first use: a push does not need them

        upload = self._upload_of(image)
        if exists := self._exists(upload):
            self._record(upload)
        states = self._pool.map(partial(self._state, upload), upload.layers)
        planned = list(zip(upload.layers, states, strict=True))
        unknown = [state for blob, state in planned if not self._is_known(upload, blob)]
        sent = sum(blob.size for blob, state in planned if state == "send")
        image_index, platforms = upload.index, platforms_of(upload.index)
        documents = [len(one.config) + len(one.manifest.data) for one in image_index.images]
        if image_index.indexed:
            documents.append(len(image_index.manifest.data))
        return Plan(
            reference=str(upload.reference),
            tag=upload.tag,
            base=str(image_index.images[0].base.reference),
            layers=tuple(
                PlannedLayer(blob.name, blob.digest, blob.size, state, platforms[blob.digest])
                for blob, state in planned
            ),
            exists=exists,
            bytes_to_send=0 if exists else sent + sum(documents),
            # One request to mount a layer, two to send a layer or config, one to put a manifest.
            requests=1
            if exists
            else len(image_index.indexed)
            + 1
            + 2 * len(image_index.images)
            + sum(2 if state == "send" else 1 for state in unknown),
        )

    def publish(self, image: AnyImage) -> str:
        """Sends the parts of an image that the registry lacks; returns its reference by digest."""
        guess = self._guess(image)
        asked = self._pool.submit(partial(self._exists, guess)) if guess else None
        self._connect(image, 2 if asked else 1)
        upload = self._upload_of(image)
        if self._was_pushed(upload):
            if asked and guess and (guess.index.digest, guess.tag) == (upload.index.digest, upload.tag):
                exists = asked.result()
            else:
                exists = self._exists(upload)
            if exists:
                return str(upload.reference)
        self._creator.push(partial(self._push, upload))
        self._record(upload)
        return str(upload.reference)

    def _push(self, upload: _Upload) -> None:
        missing = [blob for blob in upload.blobs if not self._is_known(upload, blob)]
        try:
            self._send(upload, missing)
        except RegistryError as error:
            new = isinstance(error, MissingRepositoryError)
            if new or error.status not in (400, 404) or len(missing) == len(upload.blobs):
                raise
            for blob in upload.blobs:
                self._sent.forget(blob.digest)
            self._send(upload, upload.blobs)

    def close(self) -> None:
        """Waits for transfers that have started, and ends the threads."""
        self._pool.close()

    def _guess(self, image: AnyImage) -> _Upload | None:
        """The upload of an image that was pushed before, if the tag of its base has not moved.

        So the registry is asked for both tags at the same time.
        """
        with contextlib.suppress(FairingError):
            target, _ = self._repositories(image)
            index = assemble_index(image, self._bases.remembered)
            guess = _Upload(index, self._tags.guess(image, index.digest), target, target)
            return guess if self._was_pushed(guess) else None
        return None

    def _connect(self, image: AnyImage, least: int) -> None:
        """Connects to the target for the layers and the config, while the base is read."""
        if not self._connected:
            self._connected = True
            digests = {layer.digest for one in image.images for layer in one.layers}
            unknown = [digest for digest in digests if not self._is_recorded(digest)]
            self._client.connect_ahead(self._target.registry, min(max(least, 1 + len(unknown)), _WORKERS))

    def _upload_of(self, image: AnyImage) -> _Upload:
        """Assembles an image.

        Raises:
            ImageError: the image does not fit its base, or another component has its tag.
        """
        target, source = self._repositories(image)
        index = assemble_index(image, lambda one: self._bases.of(one, source))
        return _Upload(index, self._tags.of(image, index.digest), source, target)

    def _repositories(self, image: AnyImage) -> tuple[Repository, Repository]:
        """The repositories of the target and of the base."""
        base = registry_base(image)
        same_registry = base.registry == self._target.registry
        # A registry's challenge names the scope of one request only, so the token must cover mounts as well.
        access = {push(self._target.repository)} | ({pull(base.repository)} if same_registry else set())
        target = Repository(self._client, self._target.registry, self._target.repository, frozenset(access))
        source = replace(target, name=base.repository) if same_registry else self._bases.repository(image)
        return target, source

    def _send(self, upload: _Upload, blobs: list[Blob]) -> None:
        """Sends blobs in parallel, then the manifests. Mounts take one request and come last."""
        blobs = sorted(blobs, key=lambda blob: bool(blob.mount_from))
        sending = [self._sent.submit(self._pool, blob.digest, partial(self._send_blob, upload, blob)) for blob in blobs]
        for sent in sending:
            sent.wait()  # all: a push that is repeated may not share one that has failed already
        for sent in sending:
            sent.result()
        # Registries reject an index with manifests that they do not have.
        self._pool.map(lambda one: upload.target.put_manifest(one, one.digest), upload.index.indexed)
        upload.target.put_manifest(upload.index.manifest, upload.tag)

    def _send_blob(self, upload: _Upload, blob: Blob) -> None:
        transfer = Transfer(blob.name, blob.digest, blob.size)
        self._progress(transfer)
        open_blob = with_progress(blob.stream or blob.open, transfer, self._progress)
        outcome = upload.target.put_blob(blob.digest, blob.size, open_blob, mount_from=blob.mount_from)
        self._progress(replace(transfer, done=blob.size, state=outcome))

    def _state(self, upload: _Upload, blob: Blob) -> State:
        if self._is_known(upload, blob) or upload.target.has_blob(blob.digest):
            return "exists"
        return "mount" if blob.mount_from else "send"

    def _exists(self, upload: _Upload) -> bool:
        """Whether the tag names the image; one request shows that both exist."""
        return upload.target.head(upload.tag) == upload.index.digest

    def _is_known(self, upload: _Upload, blob: Blob) -> bool:
        """Whether the target is known to have a blob: its own base's layer, or a layer of a manifest it accepted."""
        return blob.mount_from == upload.target.name or self._is_recorded(blob.digest)

    def _is_recorded(self, digest: str) -> bool:
        return self._cache.record(_LAYER, f"{self._target.name}@{digest}") is not None

    def _was_pushed(self, upload: _Upload) -> bool:
        return bool(self._cache.record(_IMAGE, f"{self._target.name}:{upload.tag}") == upload.index.digest)

    def _record(self, upload: _Upload) -> None:
        self._cache.put_record(_IMAGE, f"{self._target.name}:{upload.tag}", upload.index.digest)
        own = {layer.digest for one in upload.index.images for layer in one.layers}
        for blob in upload.layers:
            if not self._is_known(upload, blob):
                self._cache.put_record(_LAYER, f"{self._target.name}@{blob.digest}", upload.index.digest)
                if blob.digest in own:
                    self._cache.put_record(KNOWN_REMOTE, blob.digest, self._target.name)


@dataclass(frozen=True)
class _Upload:
    """The upload of one image.

    Attributes:
        index: the assembled image.
        tag: its tag.
        source: the base's repository.
        target: the repository that it goes to.
    """

    index: AssembledIndex
    tag: str
    source: Repository
    target: Repository

    @property
    def reference(self) -> Reference:
        """The image by digest."""
        return Reference(self.target.registry, self.target.name, digest=self.index.digest)

    @cached_property
    def layers(self) -> list[Blob]:
        """The layers of the bases and the images."""
        same_registry = self.source.registry == self.target.registry
        return layers_of(self.index, self.source, mount_from=self.source.name if same_registry else "")

    @cached_property
    def blobs(self) -> list[Blob]:
        """The layers, then the configs."""
        return [*self.layers, *(_config_blob(one.config) for one in self.index.images)]


def _config_blob(data: bytes) -> Blob:
    return Blob("config", digest_of(data), len(data), lambda: io.BytesIO(data))
