"""The files of a step's inputs and outputs, and their local paths."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

_STORES = {"gs://": "/gcs/", "minio://": "/minio/", "s3://": "/s3/"}
_WORKSPACE = "_kfp_workspace"  # metadata of artifacts on the run's shared volume, which the nodes mount too


def local_path(uri: str) -> str:
    """The path to which KFP downloads an artifact. Other URIs are paths (launcher_v2.go, LocalPathForURI)."""
    for scheme, folder in _STORES.items():
        if uri.startswith(scheme):
            return folder + uri[len(scheme) :]
    return uri


def input_paths(executor_input: dict[str, Any]) -> list[str]:
    """The absolute paths of the input artifacts of a step: files or folders."""
    lists = executor_input.get("inputs", {}).get("artifacts", {}).values()
    artifacts = [artifact for one in lists for artifact in one.get("artifacts", [])]
    paths = [local_path(one["uri"]) for one in artifacts if not one.get("metadata", {}).get(_WORKSPACE)]
    return [path for path in dict.fromkeys(paths) if path.startswith("/")]


def output_paths(executor_input: dict[str, Any]) -> list[str]:
    """The paths of a step's outputs: artifacts, parameters, and KFP's output metadata."""
    outputs = executor_input.get("outputs", {})
    artifacts = [artifact for one in outputs.get("artifacts", {}).values() for artifact in one.get("artifacts", [])]
    paths = [local_path(one["uri"]) for one in artifacts]
    paths += [one["outputFile"] for one in outputs.get("parameters", {}).values()]
    return [*(path for path in paths if path.startswith("/")), outputs["outputFile"]]


def files_below(path: str) -> Iterator[tuple[str, int]]:
    """A file, or the files below a folder, with their sizes in bytes; symbolic links are followed, except in cycles."""
    if os.path.isfile(path):
        yield path, os.path.getsize(path)
    for folder, folders, names in os.walk(path, followlinks=True):
        real = os.path.realpath(folder)
        folders[:] = sorted(name for name in folders if not _is_cycle(os.path.join(folder, name), real))
        for name in sorted(names):
            file = os.path.join(folder, name)
            if os.path.isfile(file):
                yield file, os.path.getsize(file)


def is_within(path: str, places: list[str]) -> bool:
    """Whether a path is one of the places or below one of them."""
    real = os.path.normpath(path)
    return any(real == place or real.startswith(place.rstrip("/") + "/") for place in map(os.path.normpath, places))


def _is_cycle(path: str, folder: str) -> bool:
    """Whether a path is a symbolic link to a folder that contains it."""
    return os.path.islink(path) and is_within(folder, [os.path.realpath(path)])
