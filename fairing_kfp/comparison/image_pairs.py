"""Pairs of images: each pair is compared once, and what cannot be read is noted once for each registry."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from fairing_kfp.builders.builder import Connection
from fairing_kfp.builders.progress import silent
from fairing_kfp.builders.single_flight import SingleFlight
from fairing_kfp.comparison.change import Change
from fairing_kfp.comparison.image import ComparedImage
from fairing_kfp.comparison.image_diff import image_causes
from fairing_kfp.comparison.layer_diff import Layers
from fairing_kfp.comparison.published import PublishedImages
from fairing_kfp.errors import DigestError, ImageError, InvalidReferenceError, NotFoundError, RegistryError
from fairing_kfp.image.reference import Reference
from fairing_kfp.pipeline.publish import run_parallel
from fairing_kfp.preprocess.source import PLACEHOLDER

if TYPE_CHECKING:
    from fairing_kfp.cache.store import Cache
    from fairing_kfp.pipeline.trace import TracedPipeline
    from fairing_kfp.settings import Settings


class ImagePairs:
    """Compares images by their names.

    Args:
        settings: the settings that reach registries.
        cache: the cache on disk.
    """

    def __init__(self, settings: Settings, cache: Cache) -> None:
        self._client = Connection(settings, "", cache, silent).client()
        self._published = PublishedImages(self._client, cache)
        self._has_registry = settings.registry is not None
        self._layers = Layers()
        self._own: dict[str, ComparedImage] = {}
        self._read: SingleFlight[ComparedImage | None] = SingleFlight()
        self._missing: dict[str, str] = {}  # by image or registry
        self._known: SingleFlight[tuple[Change | None, bool]] = SingleFlight()

    @property
    def missing(self) -> tuple[str, ...]:
        """What could not be read, a sentence each."""
        return tuple(self._missing[subject] for subject in sorted(self._missing))

    def add_tree(
        self, traced: TracedPipeline, settings: Settings, cache: Cache, start: Path | None
    ) -> Mapping[str, str]:
        """Makes the images of the working tree; returns their references by placeholder, where they are known.

        Raises:
            FairingError: an image cannot be made.
        """
        from fairing_kfp.comparison.tree_images import tree_images

        made = tree_images(traced, settings, cache, self._client, start)
        self._own.update(made.images)
        self._missing.update({text: text for text in made.missing})
        return made.references

    def compare_all(self, pairs: Iterable[tuple[str, str]]) -> None:
        """Compares pairs of old and new names in parallel, for `compare`."""
        run_parallel(lambda pair: self.compare(*pair), dict.fromkeys(pairs))

    def compare(self, old: str, new: str, use: str = "") -> tuple[Change | None, bool]:
        """Compares two images with different names.

        Args:
            old: the old name.
            new: the new name.
            use: `that it starts` for an image that is not the step's own.

        Returns:
            The change, if there is one, and whether all of it is known.
        """
        change, known = self._known.get((old, new), lambda: self._compare(old, new))
        if change and use:
            change = replace(change, text=change.text.replace("image", f"image {use}", 1))
        return change, known

    def _compare(self, old: str, new: str) -> tuple[Change | None, bool]:
        digests = [_digest(name) for name in (old, new)]
        named = [self._shown(name) for name in (old, new)]
        if digests[0] and digests[0] == digests[1]:
            if not self._has_registry and (old in self._own or new in self._own):
                return None, True  # the repository of the working tree's image is not known
            places = " → ".join(name.partition("@")[0] for name in (old, new))
            return Change("image", f"image moved: {places}; its content is the same", True, (), *named), True
        images = [self._image(name) for name in (old, new)]
        if images[0] is None or images[1] is None:
            if any(name.startswith(PLACEHOLDER) for name in (old, new)):
                return None, False
            text = "image changed" if any(digests) else f"image: {old} → {new}"
            return Change("image", text, True, (), *named), True
        causes = image_causes(images[0], images[1], self._layers)
        if causes:
            return Change("image", "image changed", True, causes, *named), True
        return None, all(one.is_complete for image in images if image for one in image.platforms.values())

    def _shown(self, name: str) -> str:
        """The name; empty if it is one of the working tree that nobody would push to."""
        return "" if name.startswith(PLACEHOLDER) or (name in self._own and not self._has_registry) else name

    def _image(self, name: str) -> ComparedImage | None:
        return self._own.get(name) or self._read.get(name, lambda: self._fetch(name))

    def _fetch(self, name: str) -> ComparedImage | None:
        try:
            reference = Reference.parse(name)
        except InvalidReferenceError:
            return None
        if not reference.digest or reference.registry in self._missing:
            return None
        try:
            return self._published.read(reference)
        except (NotFoundError, DigestError, ImageError) as error:
            self._missing[name] = f"{reference} cannot be read: {error.message}"
        except RegistryError as error:  # so would be the next one of that registry
            reason = f"{error.message} ({error.remedy})" if error.remedy else error.message
            self._missing[reference.registry] = f"what changed in the images of {reference.registry}: {reason}"
        return None


def _digest(name: str) -> str:
    return name.partition("@")[2]
