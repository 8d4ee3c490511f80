"""A node of a Kubernetes cluster on this machine, which pulls images as it does for pods."""

from __future__ import annotations

import contextlib
import json
import os
import re
import subprocess
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from bench.measure import MissingError
from bench.services import own_digests

_SOCKETS = ("/run/containerd/containerd.sock", "/run/testbed/containerd.sock", "/run/k3s/containerd/containerd.sock")
_PULLED = re.compile(r"Successfully pulled image .* in (?:(\d+)m(?!s))?([\d.]+)(ms|s) ")
_PATIENCE = 1800  # seconds until an image is pulled, or removed
_POLL = 2  # seconds between looks at the events, since each takes a fifth of a second of a core that could unpack
# The ConfigMap does not exist, so the node pulls the image, and creates no container that keeps its files.
_MISSING = {"name": "MISSING", "valueFrom": {"configMapKeyRef": {"name": "missing", "key": "missing"}}}


@dataclass(frozen=True)
class Node:
    """A node with containerd.

    Attributes:
        base: the base image, which the node has.
        namespace: the namespace of its pods.
        socket: containerd's socket.
        containerd: containerd's version.
    """

    base: str
    namespace: str
    socket: str
    containerd: str

    def pull(self, image: str) -> float:
        """Pulls and unpacks an image, and removes it again; returns the seconds that the kubelet took to pull it.

        Raises:
            MissingError: the node has layers of the image already, which it would neither download nor unpack.
        """
        if there := own_digests(image, self.base) & set(self._ctr("content", "list", "--quiet").split()):
            raise MissingError(f"images on the node have layers of {image}: remove them there; {sorted(there)}")
        name = f"pull-{uuid.uuid4().hex[:8]}"
        container = {"name": "main", "image": image, "imagePullPolicy": "Always", "env": [_MISSING]}
        spec = {"restartPolicy": "Never", "containers": [container]}
        pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}, "spec": spec}
        self._kubectl("create", "-f", "-", given=json.dumps(pod))
        try:
            return self._seconds(name)
        finally:
            self._kubectl("delete", "pod", name, "--now")
            self._forget(image)

    def _seconds(self, pod: str) -> float:
        until = time.monotonic() + _PATIENCE
        while time.monotonic() < until:
            time.sleep(_POLL)
            found = self._kubectl("get", "events", "--field-selector", f"involvedObject.name={pod}", "-o", "json")
            for event in json.loads(found)["items"]:
                if match := _PULLED.match(event["message"]):
                    return int(match[1] or 0) * 60 + float(match[2]) / (1000 if match[3] == "ms" else 1)
                if event["reason"] == "Failed" and "pull" in event["message"]:
                    raise RuntimeError(event["message"])
        raise RuntimeError(f"the node has not pulled the image within {_PATIENCE} seconds")

    def _forget(self, image: str) -> None:
        """Removes an image, its layers and their unpacked files, except those of other images."""
        digests = dict(line.split()[:3:2] for line in self.ctr("list").splitlines()[1:])
        same = [name for name, digest in digests.items() if digest == image.partition("@")[2]]
        self.ctr("remove", "--sync", *same)

    def ctr(self, *arguments: str) -> str:
        """Runs a command of containerd's client for images, and returns its output."""
        return self._ctr("images", *arguments)

    def _ctr(self, *arguments: str) -> str:
        return _run("ctr", "--address", self.socket, "--namespace", "k8s.io", *arguments)

    def _kubectl(self, *arguments: str, given: str = "") -> str:
        return _run("kubectl", "-n", self.namespace, *arguments, given=given)


@contextlib.contextmanager
def node(base: str) -> Iterator[Node]:
    """The node of a cluster that runs on this machine, with a base image.

    Args:
        base: the base image, in a registry without TLS.

    Raises:
        MissingError: there is none, or its containerd is out of reach.
    """
    sockets = (os.environ.get("CONTAINERD_ADDRESS", ""), *_SOCKETS)
    socket = next((one for one in sockets if one and Path(one).is_socket()), None)
    if socket is None:
        raise MissingError("containerd has no socket here; CONTAINERD_ADDRESS names another place")
    namespace = f"bench-{uuid.uuid4().hex[:8]}"
    try:
        version = re.findall(r"Version:\s+(\S+)", _run("ctr", "--address", socket, "version"))[-1]
        _run("kubectl", "create", "namespace", namespace)
    except FileNotFoundError as error:
        raise MissingError(f"{error.filename} is not on PATH") from None
    except RuntimeError as error:
        raise MissingError(str(error)) from error
    there = Node(base, namespace, socket, version)
    try:
        there.ctr("pull", "--plain-http", base)
        try:
            yield there
        finally:
            there.ctr("remove", base)
    finally:
        _run("kubectl", "delete", "namespace", namespace, "--wait=false")


def _run(*command: str, given: str = "") -> str:
    done = subprocess.run(command, input=given, capture_output=True, text=True, check=False, timeout=_PATIENCE)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command[:3])}: {done.stderr.strip()}")
    return done.stdout
