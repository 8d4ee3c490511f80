"""A build context in IBM Cloud Object Storage."""

from __future__ import annotations

from fairing_kfp.classic.builders.cluster.context_source import ContextSourceInterface
from fairing_kfp.classic.constants.constants import IBM_COS_DEFAULT_ENDPOINT


class COSContextSource(ContextSourceInterface):
    """A build context in IBM Cloud Object Storage; see `ContextSourceInterface`."""

    def __init__(
        self,
        namespace: str | None = None,
        region: str = "us-geo",
        cos_endpoint_url: str = IBM_COS_DEFAULT_ENDPOINT,
    ) -> None:
        super().__init__()
