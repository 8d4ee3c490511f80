"""Manifests of Kubernetes Secrets."""

from __future__ import annotations

import base64

import pytest

from fairing_kfp.preprocess.secrets.manifest import find_in_manifest
from tests.support.made_up_secrets import HIGH

ENCODED = base64.b64encode(HIGH.encode()).decode()


@pytest.mark.parametrize(
    ("text", "name"),
    [
        (f"kind: Secret\nstringData:\n  a: {HIGH}\n", "stringData.a"),
        (f"kind: ConfigMap\n---\nkind: Secret\ndata:\n  b: {ENCODED}\n", "data.b"),
        (f'{{\n"kind": "Secret", "data": {{"b": "{ENCODED}"}}}}', "data.b"),
    ],
)
def test_values_of_any_key(text: str, name: str) -> None:
    assert [match.name for match in find_in_manifest(text)] == [name]


@pytest.mark.parametrize(
    "text",
    [
        "kind: Secret\nmetadata:\n  name: db\n",
        f"kind: ConfigMap\ndata:\n  a: {HIGH}\n",
        "kind: Secret\ndata:\n  a: {{ .Values.a }}\n",
        "kind: Secret\nstringData:\n  user: me\n  url: ${URL}\n",
    ],
)
def test_other_manifests(text: str) -> None:
    assert list(find_in_manifest(text)) == []
