"""Models in images, and a runtime of KServe that serves them without packages."""

from __future__ import annotations

import uuid
from pathlib import Path
from typing import Any

from fairing_kfp.builders.append import AppendBuilder
from fairing_kfp.cache.store import Cache
from fairing_kfp.image import File
from fairing_kfp.layers.files import layer_of_files
from fairing_kfp.registry.client import RegistryClient
from tests.support.small_images import image

FILES = ("python3", "-m", "http.server", "8080", "--directory", "/mnt/models")
"""Command of a server that answers with the files of its model."""

V1 = (
    "python3",
    "-c",
    """
import json
from http.server import BaseHTTPRequestHandler, HTTPServer

class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        version = open("/mnt/models/version").read()
        length = int(self.headers.get("Content-Length") or 0)
        answer = {"models": ["folder"]}
        if length:
            answer = {"predictions": [version] * len(json.loads(self.rfile.read(length))["instances"])}
        data = json.dumps(answer).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)
    do_POST = do_GET

HTTPServer(("", 8080), Handler).serve_forever()
""",
)
"""Command of a server of KServe's V1 protocol that answers each instance with the version of its model."""


def model_images(base: str, registry: str, folder: Path) -> list[str]:
    """Images of two models, as URIs: their file `version` is `one` and `two`."""
    target = f"{registry}/tests/canary-{uuid.uuid4().hex[:8]}"
    builder = AppendBuilder(target, cache=Cache(folder / "cache"), client=RegistryClient([registry]))
    layers = [layer_of_files("model", [File("models/version", text)]) for text in (b"one", b"two")]
    return [f"oci://{builder.publish(image(base, layer))}" for layer in layers]


def runtime(base: str, command: tuple[str, ...]) -> dict[str, Any]:
    """A runtime for the format `folder`."""
    container = {
        "name": "kserve-container",
        "image": base,
        "command": list(command),
        "resources": {"requests": {"cpu": "10m", "memory": "32Mi"}, "limits": {"cpu": "200m", "memory": "128Mi"}},
    }
    formats = [{"name": "folder", "version": "1", "autoSelect": True}]
    spec = {"supportedModelFormats": formats, "protocolVersions": ["v1"], "containers": [container]}
    return {
        "apiVersion": "serving.kserve.io/v1alpha1",
        "kind": "ServingRuntime",
        "metadata": {"name": "folder"},
        "spec": spec,
    }
