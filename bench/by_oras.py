# mypy: ignore-errors
"""`HOST BASE TAG TARGET FILE DIFF_ID`: appends a layer with oras; run by a Python that has it."""

import hashlib
import json
import sys
import tempfile

import oras.oci
from oras.client import OrasClient

_MANIFESTS = ["application/vnd.docker.distribution.manifest.v2+json", "application/vnd.oci.image.manifest.v1+json"]


def main(host: str, base: str, tag: str, target: str, file: str, diff_id: str) -> None:
    client = OrasClient(insecure=True, hostname=host)
    there = client.get_container(f"{host}/{target}:1")
    document = client.get_manifest(f"{host}/{base}:{tag}", allowed_media_type=_MANIFESTS)
    config = client.get_blob(f"{host}/{base}:{tag}", document["config"]["digest"]).json()
    for layer in document["layers"]:
        mount = f"http://{host}/v2/{target}/blobs/uploads/?mount={layer['digest']}&from={base}"
        client.do_request(mount, "POST").raise_for_status()
    kind = document["layers"][0]["mediaType"]
    layer = oras.oci.NewLayer(file, kind, is_dir=False)
    layer.pop("annotations", None)
    client.upload_blob(file, there, layer).raise_for_status()
    config["rootfs"]["diff_ids"].append(diff_id)
    data = json.dumps(config).encode()
    described = {
        **document["config"],
        "digest": f"sha256:{hashlib.sha256(data).hexdigest()}",
        "size": len(data),
    }
    with tempfile.NamedTemporaryFile() as written:
        written.write(data)
        written.flush()
        client.upload_blob(written.name, there, described).raise_for_status()
    body = json.dumps({**document, "config": described, "layers": [*document["layers"], layer]}).encode()
    url, headers = f"http://{host}/v2/{target}/manifests/1", {"Content-Type": document["mediaType"]}
    client.do_request(url, "PUT", data=body, headers=headers).raise_for_status()


if __name__ == "__main__" and len(sys.argv) > 1:
    main(*sys.argv[1:])
