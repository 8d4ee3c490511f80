"""MinIO."""

from __future__ import annotations

from fairing_kfp.classic.work.deprecation import refuse


class MinioUploader:
    """Refused, since builds need no bucket."""

    def __init__(self, endpoint_url: str, minio_secret: str, minio_secret_key: str, region_name: str) -> None:
        refuse("MinioUploader", "builds need no bucket", "upload files with boto3, or write them to an output artifact")
