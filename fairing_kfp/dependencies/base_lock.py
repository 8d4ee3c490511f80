"""Base images in `fairing.lock`: each at the digest that its tag had when it was locked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from fairing_kfp.frozen import dataclass
from fairing_kfp.image.reference import is_digest


@dataclass(frozen=True)
class LockedBase:
    """A base image of a lock file.

    Attributes:
        image: the reference with its tag, as `registry/repository:tag`.
        digest: the digest of its manifest or index.
        pipelines: the names of the pipelines that use it.
    """

    image: str
    digest: str
    pipelines: tuple[str, ...] = ()

    @classmethod
    def parse(cls, table: Any) -> LockedBase:
        """Parses a table of a lock file.

        Raises:
            ValueError: the table is malformed.
        """
        if not isinstance(table, dict) or table.keys() != {"image", "digest", "pipelines"}:
            raise ValueError("its keys are not image, digest and pipelines")
        image, digest, pipelines = table["image"], table["digest"], table["pipelines"]
        named = isinstance(pipelines, list) and all(isinstance(one, str) for one in pipelines)
        if not (isinstance(image, str) and is_digest(digest) and named):
            raise ValueError("it does not consist of an image, its digest and a list of pipelines")
        return cls(image, digest, tuple(sorted(pipelines)))

    def used_by(self, pipeline: str) -> LockedBase:
        """The base with a pipeline added to those that use it."""
        return replace(self, pipelines=tuple(sorted({*self.pipelines, pipeline})))

    def not_used_by(self, pipeline: str) -> LockedBase:
        """The base with a pipeline removed from those that use it."""
        return replace(self, pipelines=tuple(sorted({*self.pipelines} - {pipeline})))


Bases = Mapping[str, LockedBase]
"""Locked bases by their references."""


def renewed(current: Bases, digests: Mapping[str, str], pipeline: str) -> dict[str, LockedBase]:
    """The bases of a file after a pipeline was locked; those that no pipeline uses any more are left out.

    Args:
        current: those in the file.
        digests: the digests of the pipeline's bases, by reference.
        pipeline: the pipeline's name.
    """
    others = {image: base.not_used_by(pipeline) for image, base in current.items()}
    used = {
        image: LockedBase(image, digest, others[image].pipelines if image in others else ()).used_by(pipeline)
        for image, digest in digests.items()
    }
    return {**{image: base for image, base in others.items() if base.pipelines}, **used}
