# mypy: ignore-errors
"""`HOST BASE TAG TARGET FILE DIFF_ID`: appends a layer with python-dxf; run by a Python that has it."""

import hashlib
import json
import sys
from pathlib import Path

from dxf import DXF


def main(host: str, base: str, tag: str, target: str, file: str, diff_id: str) -> None:
    with DXF(host, base, insecure=True) as source, DXF(host, target, insecure=True) as there:
        document = json.loads(source.get_manifest(tag))
        config = json.loads(b"".join(source.pull_blob(document["config"]["digest"])))
        for layer in document["layers"]:
            there.mount_blob(base, layer["digest"])
        digest = there.push_blob(file)
        kind = document["layers"][0]["mediaType"]
        document["layers"].append({"mediaType": kind, "digest": digest, "size": Path(file).stat().st_size})
        config["rootfs"]["diff_ids"].append(diff_id)
        data = json.dumps(config).encode()
        described = f"sha256:{hashlib.sha256(data).hexdigest()}"
        there.push_blob(data=data, digest=described)
        document["config"] |= {"digest": described, "size": len(data)}
        there.set_manifest("1", json.dumps(document))


if __name__ == "__main__" and len(sys.argv) > 1:
    main(*sys.argv[1:])
