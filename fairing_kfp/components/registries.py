"""What components share that talk to registries: inputs, clients and repositories."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from fairing_kfp.components.declaration import Input
from fairing_kfp.errors import ConfigError, InvalidReferenceError
from fairing_kfp.image.base import Base
from fairing_kfp.image.platform import Platform
from fairing_kfp.image.reference import Reference
from fairing_kfp.recipe.defaults import DEFAULT_PLATFORM
from fairing_kfp.registry.auth import pull, push
from fairing_kfp.registry.client import RegistryClient
from fairing_kfp.registry.repository import Repository
from fairing_kfp.registry.tls import Tls

INSECURE = Input("insecure", "list", "Registries (`host` or `host:port`) reached over plain HTTP.", default=[])

CA = Input("ca", "str", "Certificates (PEM) to trust in addition to the system's.", default="")

PLATFORMS = Input(
    "platforms",
    "list",
    "Platforms such as `linux/arm64`; the base's, or linux/amd64 if it has several, by default.",
    default=[],
)

SERVICE = "Container registry"
"""The external service, in metadata."""

CREDENTIALS = (
    "Credentials come from a Secret of type `kubernetes.io/dockerconfigjson` that is mounted into the task, in a "
    "folder that `DOCKER_CONFIG` names, as in the example pipeline. The step needs no privilege, no daemon and no root "
    "user, and it writes to `/tmp` only."
)

CACHING = (
    "KFP's cache compares the text of an image name: if its tag moves, a cached task still gives the earlier image. "
    "Name images by digest, or call `set_caching_options(False)` on the task."
)

MOUNT_LOGIN = """\
    kubernetes.use_secret_as_volume({task}, "registry", "/etc/registry")
    {task}.set_env_variable("DOCKER_CONFIG", "/etc/registry")
"""
"""Lines of an example that mount a Secret."""


def certificates(values: Mapping[str, Any]) -> str:
    """The certificates in the input `ca`; empty if there are none.

    Raises:
        ConfigError: they are not in PEM format.
    """
    text = str(values["ca"])
    if text and "-----BEGIN CERTIFICATE-----" not in text:
        raise ConfigError("the input ca contains no certificate", "pass the text of a PEM file, not its path")
    return text


@contextlib.contextmanager
def connected(values: Mapping[str, Any]) -> Iterator[RegistryClient]:
    """A client, with the credentials that are mounted into the step.

    Raises:
        ConfigError: the certificates are not in PEM format.
    """
    text = certificates(values)
    with tempfile.TemporaryDirectory(prefix="fairing-ca-") as folder:
        path = Path(folder, "ca.pem")
        path.write_text(text, encoding="utf-8")
        client = RegistryClient(insecure=values["insecure"], tls=Tls(str(path) if text else None))
        try:
            yield client
        finally:
            client.close()


def image_reference(component: str, name: str, text: str) -> Reference:
    """The reference in an input.

    Raises:
        InvalidReferenceError: it is malformed.
    """
    try:
        return Reference.parse(text)
    except InvalidReferenceError as error:
        raise InvalidReferenceError(f"{component}: the input {name}: {error.message}", error.remedy) from None


def repository_name(component: str, name: str, text: str) -> Reference:
    """The repository in an input.

    Raises:
        ConfigError: it has a tag or digest.
        InvalidReferenceError: it is malformed.
    """
    reference = image_reference(component, name, text)
    if reference.tag or reference.digest:
        raise ConfigError(
            f"{component}: the input {name} is {text!r}, with a tag or digest",
            f"name the repository alone: {reference.name}",
        )
    return reference


def readable(client: RegistryClient, reference: Reference) -> Repository:
    """The repository of an image, to pull from."""
    return Repository(client, reference.registry, reference.repository, frozenset({pull(reference.repository)}))


def writable(client: RegistryClient, target: Reference, source: Reference) -> Repository:
    """A repository to push to, and to mount blobs into from the source's if both are in one registry."""
    access = {push(target.repository)}
    if source.registry == target.registry:
        access.add(pull(source.repository))
    return Repository(client, target.registry, target.repository, frozenset(access))


def bases(base: Reference, client: RegistryClient, platforms: tuple[Platform, ...]) -> Mapping[Platform, Base]:
    """The base for each platform, pinned by one digest even if its tag moves meanwhile.

    Args:
        base: the base image.
        client: client of its registry.
        platforms: the platforms; by default the base's, or linux/amd64 if it has several.

    Raises:
        ImageError: the base lacks a platform, or is malformed.
        RegistryError: the base cannot be read.
    """
    source = readable(client, base)
    root = source.manifest(base.wanted)
    pinned = base.with_digest(root.digest)
    if not root.is_index:
        own = Base(pinned, root, source.blob(root.config.digest))
        return dict.fromkeys(platforms or (own.platform,), own)
    found = {}
    for platform in platforms or (Platform.parse(DEFAULT_PLATFORM),):
        manifest = source.manifest(root.select(base, platform).digest)
        found[platform] = Base(pinned, manifest, source.blob(manifest.config.digest), root.platforms)
    return found
