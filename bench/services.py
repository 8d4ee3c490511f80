"""Services of benchmarks: a registry with a base image, and Docker."""

from __future__ import annotations

import contextlib
import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from itertools import count
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from bench.measure import Cost, MissingError, timed
from tests.support.private_registry import PrivateRegistry, serve_registry
from tests.support.services import TESTBED

BASE = os.environ.get("BENCH_BASE", f"{TESTBED}/base/python:3.11")

_SENT = re.compile(r"PUT /v2/(?P<name>\S+?)/(?:blobs/uploads/\S*digest=(?P<digest>[^&\s]+)|manifests/(?P<tag>\S+)) 201")
_PIP_SETTINGS = ("index-url", "extra-index-url", "trusted-host", "cert", "default-timeout")
_NETWORK = ("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy")


@dataclass(frozen=True)
class Workplace:
    """A folder and a private registry.

    Attributes:
        registry: the registry.
        folder: the folder.
        base: the base image in the registry.
    """

    registry: PrivateRegistry
    folder: Path
    base: str
    _numbers: Iterator[int] = field(default_factory=count)

    def fresh(self, what: str) -> str:
        """A new name for a folder or a repository."""
        return f"{what}-{next(self._numbers)}"

    def metered(self, work: Callable[[], object]) -> Cost:
        """Measures work, with its requests and sent bytes."""
        self.registry.requests()  # skips earlier requests
        cost = timed(work)
        lines = self.registry.requests()
        return replace(cost, requests=len(lines), sent=sum(map(self._sent, lines)))

    def _sent(self, line: str) -> int:
        found = _SENT.fullmatch(line)
        if found is None:
            return 0
        data = self.registry.log.parent / "data" / "docker" / "registry" / "v2"
        if found["digest"]:
            digest = unquote(found["digest"])
        else:
            tag = data / "repositories" / found["name"] / "_manifests" / "tags" / found["tag"]
            digest = (tag / "current" / "link").read_text()
        value = digest.removeprefix("sha256:")
        return (data / "blobs" / "sha256" / value[:2] / value / "data").stat().st_size


@contextlib.contextmanager
def workplace() -> Iterator[Workplace]:
    """Starts the registry and pushes the base image to it.

    Raises:
        MissingError: docker-registry, Docker or a base image with this Python is missing.
    """
    if not shutil.which("docker-registry"):
        raise MissingError("docker-registry is not on PATH")
    version = "import sys; print('%d.%d' % sys.version_info[:2])"
    python = docker("run", "--rm", "--network", "host", BASE, "python3", "-c", version)
    if python != "{}.{}".format(*sys.version_info):
        raise MissingError(f"{BASE} has Python {python}, which is not this one; name another image in BENCH_BASE")
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name:
        folder = Path(name)
        with serve_registry(folder / "registry") as registry:
            base = f"{registry.host}/base:1"
            try:
                docker("tag", BASE, base)
                docker("push", "-q", base)
                yield Workplace(registry, folder, base)
            finally:
                _forget(registry.host)


def docker(*arguments: str, seconds: float = 300) -> str:
    """Runs a Docker command and returns its output.

    Args:
        arguments: its arguments.
        seconds: the longest time that it may take.

    Raises:
        MissingError: Docker is missing, or the command fails.
    """
    try:
        done = subprocess.run(["docker", *arguments], capture_output=True, text=True, check=False, timeout=seconds)
    except FileNotFoundError:
        raise MissingError("docker is not on PATH") from None
    if done.returncode:
        why = next((line for line in done.stderr.splitlines() if "rror" in line), done.stderr.strip())
        raise MissingError(f"docker {arguments[0]}: {why}")
    return done.stdout.strip()


def with_pip(work: Workplace) -> str:
    """The base image with pip, if it lacks it, and this machine's certificate authorities.

    Raises:
        MissingError: this Python has no pip to copy.
    """
    pip = importlib.util.find_spec("pip")
    if pip is None or pip.origin is None:
        raise MissingError("this Python has no pip to copy into the base image")
    context = work.folder / "pip"
    shutil.copytree(Path(pip.origin).parent, context / "pip", ignore=shutil.ignore_patterns("__pycache__"))
    lines = [
        f"FROM {work.base}",
        "COPY pip /tmp/pip",
        "RUN python3 -m pip --version || mv /tmp/pip $(python3 -c 'import site; print(site.getsitepackages()[0])')",
        "ENV PIP_BREAK_SYSTEM_PACKAGES=1",
    ]
    authorities = pip_settings().get("PIP_CERT")
    if authorities:
        shutil.copy(authorities, context / "authorities")
        lines.append(f"COPY authorities {authorities}")
    (context / "Dockerfile").write_text("\n".join(lines))
    image = f"{work.registry.host}/base:pip"
    docker("build", "-q", "--network", "host", "-t", image, str(context))
    docker("push", "-q", image)
    return image


def pip_settings() -> dict[str, str]:
    """pip's settings on this machine, as environment variables for a container."""
    command = [sys.executable, "-m", "pip", "config", "list"]
    listed = subprocess.run(command, capture_output=True, text=True, check=False).stdout
    found = dict(re.findall(r"^\S*?\.?([a-z-]+)='(.*)'$", listed, re.MULTILINE))
    settings = {f"PIP_{name.replace('-', '_').upper()}": found[name] for name in _PIP_SETTINGS if name in found}
    return settings | {name: os.environ[name] for name in _NETWORK if name in os.environ}


def own_layers(image: str, base: str) -> str:
    """The number and the compressed size of an image's layers above those of its base, both in the private registry."""
    own = _layers_above(image, base)
    return f"{sum(layer['size'] for layer in own) / 1e6:.0f} MB in {len(own)}"


def own_digests(image: str, base: str) -> set[str]:
    """The digests of an image's layers above those of its base, both in the private registry."""
    return {layer["digest"] for layer in _layers_above(image, base)}


def _layers_above(image: str, base: str) -> list[dict[str, Any]]:
    return _layers(image)[len(_layers(base)) :]


def _layers(image: str) -> list[dict[str, Any]]:
    """The layers in an image's manifest."""
    host, _, path = image.partition("/")
    name, _, reference = path.partition("@") if "@" in path else path.rpartition(":")
    accept = ("oci.image.manifest.v1", "docker.distribution.manifest.v2")
    headers = {"Accept": ", ".join(f"application/vnd.{kind}+json" for kind in accept)}
    request = urllib.request.Request(f"http://{host}/v2/{name}/manifests/{reference}", headers=headers)
    with urllib.request.urlopen(request, timeout=60) as answer:
        layers: list[dict[str, Any]] = json.load(answer)["layers"]
    return layers


def _forget(host: str) -> None:
    """Removes the registry's images from Docker."""
    for line in docker("images", "--digests", "--format", "{{.Repository}} {{.Tag}} {{.Digest}}").splitlines():
        name, tag, digest = line.split()
        if name.startswith(f"{host}/"):
            with contextlib.suppress(MissingError):
                docker("rmi", "-f", f"{name}@{digest}" if tag == "<none>" else f"{name}:{tag}")
