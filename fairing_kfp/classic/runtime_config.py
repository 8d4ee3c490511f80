"""`config` in a container, where it does nothing."""

from __future__ import annotations

from typing import Any


class RuntimeConfig:
    """Takes all calls of `Config`, and does nothing. `fn` returns the function itself."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Forgets the names."""
        self._preprocessor: Any = None
        self._builder: Any = None
        self._deployer: Any = None

    def set_preprocessor(self, name: Any = None, **kwargs: Any) -> None:
        """Keeps the name."""
        self._preprocessor = name

    def get_preprocessor(self) -> Any:
        """The name."""
        return self._preprocessor

    def set_builder(self, name: Any = None, **kwargs: Any) -> None:
        """Keeps the name."""
        self._builder = name

    def get_builder(self, preprocessor: Any = None) -> Any:
        """The name."""
        return self._builder

    def set_deployer(self, name: Any = None, **kwargs: Any) -> None:
        """Keeps the name."""
        self._deployer = name

    def get_deployer(self, **kwargs: Any) -> Any:
        """The name."""
        return self._deployer

    def run(self) -> None:
        """Does nothing."""

    def deploy(self, pod_spec: Any) -> None:
        """Does nothing."""

    def fn(self, func: Any) -> Any:
        """The function itself."""
        return func


config = RuntimeConfig()
