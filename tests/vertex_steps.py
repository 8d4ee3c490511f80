"""What steps on Vertex AI are given in tests: a component's inputs and outputs, and logins of nobody."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from google.auth.credentials import Credentials

from tests.vertex_stand_in import PROJECT, REGION

PIPELINE = Path(__file__).parent / "pipelines" / "vertex.py"
IMAGE = f"{REGION}-docker.pkg.dev/{PROJECT}/images/digits@sha256:{'1' * 64}"


class Login(Credentials):
    """Credentials of nobody."""

    def refresh(self, request: Any) -> None:
        self.token = "nobody"


def executor_input(folder: str, local: str | None = None) -> dict[str, Any]:
    """What KFP tells a step of `learn`.

    Args:
        folder: a path or URI that has the artifacts.
        local: the folder of the rest; the same by default.
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


def login(folder: Path, endpoint: str) -> Path:
    """A file with the key of a service account that nobody has."""
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
