"""The interface of deployers."""

from __future__ import annotations

from typing import Any, Protocol


class DeployerInterface(Protocol):
    """Runs or serves an image."""

    def deploy(self, pod_template_spec: Any) -> Any:
        """Runs or serves the image of a pod specification.

        Args:
            pod_template_spec: result of a builder's `generate_pod_spec`.
        """
        ...

    def get_logs(self) -> None:
        """Prints the log."""
        ...
