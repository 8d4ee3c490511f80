from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from fairing_kfp.builders.cluster.upload import LayerStore
from fairing_kfp.errors import ConfigError
from tests.support.services import require_program


@pytest.mark.parametrize(
    "uri", ["bucket", "ftp://bucket", "s3://", "s3://bucket?colour=red", "s3://me:made-up-secret@bucket"]
)
def test_malformed_uris_are_rejected_without_their_secrets(uri: str) -> None:
    with pytest.raises(ConfigError, match="cluster_upload: ") as caught:
        LayerStore(uri)
    assert "made-up" not in str(caught.value)


def test_urls_of_google_cloud_storage_are_signed_with_the_key_of_a_service_account(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    openssl = require_program("openssl")
    key = subprocess.run([openssl, "genrsa", "2048"], capture_output=True, text=True, check=True).stdout
    account = {
        "type": "service_account",
        "client_email": "robot@example.iam.gserviceaccount.com",
        "private_key": key,
        "private_key_id": "made-up",
        "token_uri": "https://oauth2.example.com/token",
    }
    path = tmp_path / "key.json"
    path.write_text(json.dumps(account))
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(path))

    url = LayerStore("gs://bucket/prefix").signed("sha256-1")

    assert url.startswith("https://storage.googleapis.com/bucket/prefix/fairing-kfp-")
    assert "/sha256-1?" in url
    assert "X-Goog-Signature=" in url
