"""A base image for Python 3.12 in memory, and images on top of it."""

from __future__ import annotations

import json
from typing import Any

from fairing_kfp.image import File, Image, Platform, Reference
from fairing_kfp.image.base import Base
from fairing_kfp.image.descriptor import OCI_LAYER
from fairing_kfp.image.manifest import Manifest
from fairing_kfp.layers.files import layer_of_files

DIGEST = "sha256:" + "ab" * 32
PYTHON = Reference.parse("python:3.12-slim")
CODE = layer_of_files("code", [File("opt/code", b"code")])
RUNTIME = layer_of_files("runtime", [File("opt/runtime", b"runtime")])
CONFIG: dict[str, Any] = {
    "architecture": "amd64",
    "os": "linux",
    "config": {"Env": ["PATH=/bin", "PYTHON_VERSION=3.12.4"], "User": "1000"},
    "rootfs": {"type": "layers", "diff_ids": [DIGEST, DIGEST]},
    "history": [{"created_by": "one"}, {"created_by": "ENV", "empty_layer": True}, {"created_by": "two"}],
}


def base(config: dict[str, Any] = CONFIG, platforms: tuple[Platform, ...] = (), **manifest: Any) -> Base:
    document = {
        "schemaVersion": 2,
        "config": {"mediaType": "the/config", "digest": DIGEST, "size": 1, "data": "embedded"},
        "layers": [{"mediaType": OCI_LAYER, "digest": DIGEST, "size": 7, "annotations": {"kept": "yes"}}] * 2,
        **manifest,
    }
    return Base(PYTHON, Manifest(json.dumps(document).encode()), json.dumps(config).encode(), platforms)


def image(**fields: Any) -> Image:
    known = {
        "base": PYTHON,
        "layers": (RUNTIME, CODE),
        "platform": Platform("linux", "amd64"),
        "python_version": (3, 12),
    }
    return Image("train", **{**known, **fields})


def settings(**settings: Any) -> dict[str, Any]:
    return {**CONFIG, "config": {**CONFIG["config"], **settings}}
