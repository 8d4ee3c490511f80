"""Base images of several layers in registries, and what a registry has."""

from __future__ import annotations

import io
import urllib.request
from collections.abc import Sequence
from typing import Any

from fairing_kfp.image import File, Layer
from fairing_kfp.image.descriptor import OCI_CONFIG, OCI_INDEX, OCI_LAYER, OCI_MANIFEST, Descriptor, digest_of, dump
from fairing_kfp.image.manifest import Manifest
from fairing_kfp.layers.files import layer_of_files
from fairing_kfp.registry.auth import push
from fairing_kfp.registry.client import RegistryClient
from fairing_kfp.registry.repository import Repository

BASE_LAYERS = 3


def layer(name: str, content: str | bytes = b"") -> Layer:
    """A layer with one file."""
    data = content.encode() if isinstance(content, str) else content
    return layer_of_files(name, [File(f"opt/{name}", data or name.encode())])


def push_base(
    host: str,
    repository: str = "base/python",
    layers: Sequence[Layer] = (),
    others: tuple[str, ...] = (),
    python: str = "3.11.2",
) -> Manifest:
    """Pushes a base image, tagged `1`, and an index of it, tagged `index`.

    Args:
        host: the registry.
        repository: the repository.
        layers: layers of linux/amd64; by default `BASE_LAYERS` small ones.
        others: further architectures in the index, which share the lowest layer.
        python: Python version of the further architectures.
    """
    layers = layers or [layer(f"base{n}") for n in range(BASE_LAYERS)]
    client = RegistryClient()
    target = Repository(client, host, repository, frozenset({push(repository)}))
    manifest = _push_platform(target, "amd64", layers, "3.11.2")
    target.put_manifest(manifest, "1")
    manifests = {"amd64": manifest}
    for architecture in others:
        its = [layers[0], *(layer(f"{architecture}{n}") for n in range(1, len(layers)))]
        manifests[architecture] = _push_platform(target, architecture, its, python)
        target.put_manifest(manifests[architecture], manifests[architecture].digest)
    entries = [
        {
            **Descriptor(OCI_MANIFEST, one.digest, len(one.data)).document(),
            "platform": {"os": "linux", "architecture": architecture},
        }
        for architecture, one in manifests.items()
    ]
    target.put_manifest(Manifest(dump({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": entries})), "index")
    client.close()
    return manifest


def _push_platform(target: Repository, architecture: str, layers: Sequence[Layer], python: str) -> Manifest:
    config = dump(
        {
            "architecture": architecture,
            "os": "linux",
            "config": {"Env": [f"PYTHON_VERSION={python}"]},
            "rootfs": {"type": "layers", "diff_ids": [one.diff_id for one in layers]},
        }
    )
    for one in layers:
        target.put_blob(one.digest, one.size, one.open)
    target.put_blob(digest_of(config), len(config), lambda: io.BytesIO(config))
    return Manifest(
        dump(
            {
                "schemaVersion": 2,
                "config": Descriptor(OCI_CONFIG, digest_of(config), len(config)).document(),
                "layers": [Descriptor(OCI_LAYER, one.digest, one.size).document() for one in layers],
            }
        )
    )


def get(host: str, path: str) -> tuple[bytes, Any]:
    """The body and the headers of a manifest or blob."""
    request = urllib.request.Request(f"http://{host}/v2/{path}", headers={"Accept": f"{OCI_MANIFEST}, {OCI_INDEX}"})
    with urllib.request.urlopen(request) as answer:
        return answer.read(), answer.headers
