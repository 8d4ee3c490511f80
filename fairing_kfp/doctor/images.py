"""Checks of what images need: the registry, the base image and a container engine."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator
from pathlib import Path

from fairing_kfp.builders.bases import Bases
from fairing_kfp.builders.engine.engine import connect
from fairing_kfp.builders.engine.podman import connect_podman
from fairing_kfp.builders.select import builder_type, needs_registry
from fairing_kfp.doctor.check import Setup
from fairing_kfp.errors import ConfigError, MissingRepositoryError
from fairing_kfp.image.dockerfile import Dockerfile
from fairing_kfp.image.image import Image
from fairing_kfp.image.reference import Reference
from fairing_kfp.recipe.defaults import chosen_base, chosen_platforms
from fairing_kfp.registry.auth import push
from fairing_kfp.registry.client import RegistryClient
from fairing_kfp.registry.repository import Repository
from fairing_kfp.registry.retry import RetryPolicy
from fairing_kfp.registry.tls import Tls
from fairing_kfp.settings import DOCKERFILE, Settings

_ENGINES = ("docker", "podman")
_PATIENCE = RetryPolicy(attempts=2, connect=5, read=20)
_PIPELINE = "pipeline"  # stands for the name of a pipeline, which names the repository of a project without a name


def by_cluster(settings: Settings) -> bool:
    """Whether a Job on Kubernetes reads base images and pushes, not this machine."""
    return settings.builder == "cluster"


def by_engine(settings: Settings) -> bool:
    """Whether images need a container engine."""
    return settings.builder in _ENGINES or (settings.base_image or "").startswith(DOCKERFILE)


def pushes(settings: Settings) -> bool:
    """Whether this machine pushes images to the registry of the settings."""
    engine = settings.builder in _ENGINES
    return bool(settings.registry) and not by_cluster(settings) and (engine or needs_registry(settings.builder))


def reads_base(settings: Settings) -> bool:
    """Whether the settings have this machine read the base image from its registry."""
    return bool(settings.registry or settings.builder or settings.base_image) and not by_cluster(settings)


def registry(setup: Setup) -> str:
    """The repository, if it accepts a push with these credentials: starts an upload, and cancels it."""
    settings = setup.settings
    target = Reference.parse(settings.repository(_PIPELINE))
    if by_cluster(settings):
        raise ConfigError(f"{target.name} is not checked from here: a Job on Kubernetes pushes to it", "")
    with _client(settings) as client:
        repository = Repository(client, target.registry, target.repository, frozenset({push(target.repository)}))
        try:
            repository.check_push()
        except MissingRepositoryError:
            if not settings.create_repository:
                raise
            return f"{target.name} is created by the first push"
    return f"{target.name} accepts a push"


def base_image(setup: Setup) -> str:
    """The base image by digest with its Python, if it fits the platforms and this Python."""
    settings, version = setup.settings, sys.version_info[:2]
    base = chosen_base(settings, version, Path.cwd())
    if isinstance(base, Dockerfile):
        return f"{base.path}, built by an engine"
    if by_cluster(settings):
        raise ConfigError(f"{base} is not checked from here: a Job on Kubernetes reads it", "")
    platforms = chosen_platforms(settings)
    with _client(settings) as client:
        bases = Bases(setup.cache, client)
        images = [Image("pipelines", base, (), platform, version) for platform in platforms]
        found = [bases.of(image, bases.repository(image)) for image in images]
    return f"{found[0].reference}: Python {version[0]}.{version[1]} for {', '.join(map(str, platforms))}"


def engine(setup: Setup) -> str:
    """The name and version of the container engine."""
    podman = setup.settings.builder == "podman"
    found = connect_podman() if podman else connect("fairing-kfp doctor")
    try:
        return f"{found.name} {found.client.version().get('Version', '')}".strip()
    finally:
        found.client.close()


def builder(setup: Setup) -> str:
    """The builder of the settings, if it exists."""
    chosen = setup.settings.builder or "append"
    if chosen != "dry-run":
        builder_type(chosen)
    return chosen


@contextlib.contextmanager
def _client(settings: Settings) -> Iterator[RegistryClient]:
    """A client that gives up soon, and waits in silence."""
    tls = Tls(settings.ca, settings.client_cert)
    client = RegistryClient(settings.insecure, tls=tls, retry_policy=_PATIENCE, on_wait=lambda text: None)
    try:
        yield client
    finally:
        client.close()
