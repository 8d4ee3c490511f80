"""The pipelines on a command line, loaded one after the other."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from fairing_kfp.display import TransferProgress


def loaded(targets: Iterable[str], progress: TransferProgress) -> Iterator[tuple[str, Any, Path]]:
    """Yields each target, its pipeline, and the folder of its file. What it imports is forgotten at the next one.

    Args:
        targets: the pipelines, as `FILE[:NAME]`.
        progress: shows which one is loaded and packed.

    Raises:
        FairingError: a file cannot be imported, or has no such pipeline.
    """
    from fairing_kfp.component.load import folder_of, load_pipeline, separate_modules

    for target in targets:
        with separate_modules():
            progress.wait_for(f"loading {target}")
            pipeline = load_pipeline(target)
            progress.wait_for(f"packing {pipeline.name}")
            yield target, pipeline, folder_of(target)
