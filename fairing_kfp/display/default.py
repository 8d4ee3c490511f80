"""The displays of calls that are given none: in a notebook one output of the cell, elsewhere nothing."""

from __future__ import annotations

import contextlib
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    from rich.console import Console

    from fairing_kfp.builders.progress import Progress
    from fairing_kfp.display.event import Event


def transfer_display(progress: Progress | None) -> AbstractContextManager[Progress | None, None]:
    """The callback for transfers, or a display of them in a notebook if it is None."""
    screen = None if progress is not None else _notebook()
    if screen is None:
        return contextlib.nullcontext(progress)
    from fairing_kfp.display.progress import TransferProgress

    return TransferProgress(screen)


def run_display(
    on_event: Callable[[Event], None] | None,
) -> AbstractContextManager[Callable[[Event], None] | None, None]:
    """The callback for the events of a run on Kubeflow Pipelines, or a display of them in a notebook if it is None."""
    screen = None if on_event is not None else _notebook()
    if screen is None:
        return contextlib.nullcontext(on_event)
    from fairing_kfp.display.progress import RunDisplay

    return RunDisplay(screen, waiting="waiting for the first step")


def _notebook() -> Console | None:
    """The notebook whose cell is running, if one is. rich is imported in kernels only, since it is slow."""
    if "ipykernel" not in sys.modules and "google.colab" not in sys.modules:
        return None
    from fairing_kfp.display.terminal import console

    screen = console()
    return screen if screen.is_jupyter else None
