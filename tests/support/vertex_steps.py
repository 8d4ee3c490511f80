"""Inputs of steps on Vertex AI: the executor input of a component, and fake credentials."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from google.auth.credentials import Credentials

from tests.support.paths import TESTS
from tests.support.vertex_stand_in import PROJECT, REGION

PIPELINE = TESTS / "pipelines" / "vertex.py"
IMAGE = f"{REGION}-docker.pkg.dev/{PROJECT}/images/digits@sha256:{'1' * 64}"


class Login(Credentials):
    """Fake credentials."""

    def refresh(self, request: Any) -> None:
        self.token = "nobody"


def executor_input(folder: str, local: str | None = None) -> dict[str, Any]:
    """KFP's executor input for a step of `learn`.

    Args:
        folder: path or URI of the artifacts.
        local: folder of the other outputs; the same by default.
    """

    def artifact(name: str, kind: str) -> dict[str, Any]:
        made = {"name": name, "type": {"schemaTitle": f"system.{kind}"}, "uri": f"{folder}/{name}", "metadata": {}}
        return {"artifacts": [made]}

    local = local or folder
    return {
        "inputs": {"artifacts": {"scans": artifact("scans", "Dataset")}, "parameterValues": {"word": "go"}},
        "outputs": {
            "artifacts": {"model": artifact("model", "Model"), "notes": artifact("notes", "Artifact")},
            "parameters": {name: {"outputFile": f"{local}/parameters/{name}"} for name in ("Output", "half")},
            "outputFile": f"{local}/executor_output.json",
        },
    }


def executor_input_with_stores(**parameters: Any) -> dict[str, Any]:
    """An ExecutorInput with artifacts in several object stores, in the workspace, and on a web page.

    Args:
        parameters: values of the input parameters.
    """

    def artifact(name: str, uri: str, **metadata: Any) -> dict[str, Any]:
        return {"name": name, "type": {"schemaTitle": "system.Artifact"}, "uri": uri, "metadata": metadata}

    scans = [artifact("scans", "minio://mlpipeline/a/scans"), artifact("scans", "s3://other/b/scans")]
    kept = [artifact("kept", "minio://mlpipeline/kept", _kfp_workspace=True)]
    page = [artifact("page", "https://example.com/page")]
    return {
        "inputs": {
            "artifacts": {"scans": {"artifacts": scans}, "kept": {"artifacts": kept}, "page": {"artifacts": page}},
            "parameterValues": parameters,
        },
        "outputs": {
            "artifacts": {"model": {"artifacts": [artifact("model", "minio://mlpipeline/v2/model")]}},
            "parameters": {"Output": {"outputFile": "/tmp/kfp/outputs/Output"}},
            "outputFile": "/tmp/kfp_outputs/output_metadata.json",
        },
    }


def login(folder: Path, endpoint: str) -> Path:
    """Writes the key file of a fake service account."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    described = {
        "type": "service_account",
        "client_email": "step@my-project.iam.gserviceaccount.com",
        "private_key_id": "1",
        "private_key": key.decode(),
        "token_uri": f"{endpoint}/token",
    }
    file = folder / "login.json"
    file.write_text(json.dumps(described))
    return file
