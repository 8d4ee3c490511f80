"""A build context in Azure Files."""

from __future__ import annotations

from fairing_kfp.classic.builders.cluster.context_source import ContextSourceInterface


class StorageContextSource(ContextSourceInterface):
    """A build context in Azure Files; see `ContextSourceInterface`."""

    def __init__(
        self,
        namespace: str | None = None,
        region: str | None = None,
        resource_group_name: str | None = None,
        storage_account_name: str | None = None,
    ) -> None:
        super().__init__()
