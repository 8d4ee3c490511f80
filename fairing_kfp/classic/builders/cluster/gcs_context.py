"""A build context in Google Cloud Storage."""

from __future__ import annotations

from fairing_kfp.classic.builders.cluster.context_source import ContextSourceInterface


class GCSContextSource(ContextSourceInterface):
    """A build context in Google Cloud Storage; see `ContextSourceInterface`."""

    def __init__(
        self,
        gcp_project: str | None = None,
        credentials_file: str | None = None,
        namespace: str = "default",
    ) -> None:
        super().__init__()
