"""Artifacts in a temporary folder."""

from __future__ import annotations

import functools
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from fairing_kfp.errors import ConfigError


@functools.cache
def _temporary() -> tempfile.TemporaryDirectory[str]:
    """The folder of all artifacts without one of their own; it is deleted when the process ends."""
    return tempfile.TemporaryDirectory(prefix="fairing-kfp-artifacts-")


def make_artifact(
    kind: Any, content: str | bytes | None, name: str, metadata: Mapping[str, Any], folder: Path | None
) -> Any:
    """See `fairing_kfp.testing.fake_artifact`."""
    from kfp import dsl

    if not (isinstance(kind, type) and issubclass(kind, dsl.Artifact)):
        raise ConfigError(
            f"fake_artifact: {kind!r} is not a class of artifacts", "give one of kfp's or your own, such as dsl.Model"
        )
    name = name or kind.__name__.lower()
    path = Path(tempfile.mkdtemp(dir=folder or _temporary().name)) / name
    if content is not None:
        path.write_bytes(content.encode() if isinstance(content, str) else content)
    return kind(name=name, uri=str(path), metadata=dict(metadata))
