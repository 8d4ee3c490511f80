"""A check of something that commands need, and what it found."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from fairing_kfp.cache.store import Cache
from fairing_kfp.errors import FairingError
from fairing_kfp.settings import Settings

State = Literal["ok", "failed", "absent"]
"""`failed` is what the settings require and what does not work; `absent` what only some features need."""


@dataclass(frozen=True)
class Setup:
    """What is checked.

    Attributes:
        settings: the project's settings.
        cache: the cache on disk.
        token_file: file with a bearer token for Kubeflow Pipelines.
    """

    settings: Settings
    cache: Cache
    token_file: str | None = None


@dataclass(frozen=True)
class Finding:
    """What a check found.

    Attributes:
        name: the checked thing.
        state: whether it works.
        detail: what was found, or why it does not work.
        remedy: what to do; empty if it works.
    """

    name: str
    state: State
    detail: str
    remedy: str = ""


@dataclass(frozen=True)
class Check:
    """A check, which changes nothing.

    Attributes:
        name: the checked thing.
        find: returns what was found; raises FairingError if it does not work.
        required: whether the settings require it.
        remedy: what to do if the check itself breaks off.
    """

    name: str
    find: Callable[[Setup], str]
    required: Callable[[Settings], bool] = lambda settings: True
    remedy: str = "check that the address is that of the service"

    def examine(self, setup: Setup) -> Finding:
        """Runs the check; whatever it raises is a finding, so that the next checks run."""
        state: State = "failed" if self.required(setup.settings) else "absent"
        try:
            return Finding(self.name, "ok", self.find(setup))
        except FairingError as error:
            return Finding(self.name, state, error.message, error.remedy)
        except Exception as error:  # such as a server that answers with something else
            return Finding(self.name, state, f"cannot be checked: {type(error).__name__}: {error}", self.remedy)
