"""The setting `create_repository`: a push to a repository that does not exist creates it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from fairing_kfp.builders.single_flight import SingleFlight
from fairing_kfp.errors import MissingRepositoryError
from fairing_kfp.image.reference import Reference

_Result = TypeVar("_Result")


class RepositoryCreator:
    """Creates the repository of a builder once, when a push finds that it does not exist. Thread-safe.

    Args:
        target: the repository.
        enabled: whether to create it; otherwise the error says how.

    Raises:
        ConfigError: it is enabled, and a package that it needs is not installed.
    """

    def __init__(self, target: Reference | str, enabled: bool = False) -> None:
        self._target = target if isinstance(target, Reference) else Reference.parse(target)
        self._enabled = enabled
        self._created: SingleFlight[None] = SingleFlight()
        if enabled:
            from fairing_kfp.registry.missing import check_can_create

            check_can_create(self._target.registry)

    def push(self, push: Callable[[], _Result]) -> _Result:
        """Runs a push; if the repository does not exist, creates it and runs the push again.

        Raises:
            RegistryError: the push fails, or the repository cannot be created.
        """
        try:
            return push()
        except MissingRepositoryError:
            if not self._enabled:
                raise
        from fairing_kfp.registry.missing import create_repository

        self._created.get("", lambda: create_repository(self._target.registry, self._target.repository))
        return push()
