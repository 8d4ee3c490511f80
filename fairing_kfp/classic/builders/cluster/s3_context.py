"""A build context in Amazon S3."""

from __future__ import annotations

from fairing_kfp.classic.builders.cluster.context_source import ContextSourceInterface


class S3ContextSource(ContextSourceInterface):
    """A build context in Amazon S3; see `ContextSourceInterface`."""

    def __init__(
        self,
        aws_account: str | None = None,
        region: str | None = None,
        bucket_name: str | None = None,
    ) -> None:
        super().__init__()
