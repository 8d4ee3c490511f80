"""A build context in MinIO."""

from __future__ import annotations

from fairing_kfp.classic.builders.cluster.context_source import ContextSourceInterface


class MinioContextSource(ContextSourceInterface):
    """A build context in MinIO; see `ContextSourceInterface`."""

    def __init__(
        self,
        endpoint_url: str,
        minio_secret: str,
        minio_secret_key: str,
        region_name: str,
    ) -> None:
        super().__init__()
