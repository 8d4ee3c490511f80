"""`import_image`: an image of one registry → the same image, byte for byte, in another repository."""

from __future__ import annotations

from functools import partial

from fairing_kfp.components.declaration import Input, Output, ReusableComponent, StepInputs, StepResult
from fairing_kfp.components.registries import (
    CA,
    CACHING,
    CREDENTIALS,
    INSECURE,
    MOUNT_LOGIN,
    SERVICE,
    connected,
    image_reference,
    readable,
    repository_name,
    writable,
)
from fairing_kfp.errors import ConfigError
from fairing_kfp.image.manifest import Manifest
from fairing_kfp.image.reference import is_tag
from fairing_kfp.registry.repository import Repository


def run(given: StepInputs) -> StepResult:
    """Copies the image; manifests are read and the push is checked before anything is sent.

    Raises:
        ConfigError: the repository has a tag or digest, or the tag is malformed.
        InvalidReferenceError: a name of an image is malformed.
        RegistryError: the image does not exist, or cannot be pushed.
    """
    image = image_reference(IMPORT_IMAGE.name, "image", given.values["image"])
    target = repository_name(IMPORT_IMAGE.name, "repository", given.values["repository"])
    tag = given.values["tag"]
    if tag and not is_tag(tag):
        raise ConfigError(f"{IMPORT_IMAGE.name}: the input tag is {tag!r}, not a tag", "write it like 1.2-slim")
    with connected(given.values) as client:
        source, destination = readable(client, image), writable(client, target, image)
        root = source.manifest(image.wanted)
        tag = tag or image.tag or root.digest.replace(":", "-")
        imported = target.with_digest(root.digest)
        existed = destination.head(tag) == root.digest
        if not existed:
            manifests = [source.manifest(entry.digest) for entry in root.entries] if root.is_index else [root]
            destination.check_push()
            given.log(f"copying {image} to {imported}")
            for manifest in manifests:
                _copy(manifest, source, destination)
            for manifest in manifests if root.is_index else ():  # registries want them before the index
                destination.put_manifest(manifest, manifest.digest)
            destination.put_manifest(root, tag)
    return StepResult(
        f"{image} is imported" if not existed else f"{image} was imported already",
        (("image", str(imported)), ("tag", tag), ("from", str(image.with_digest(root.digest)))),
        {"imported": str(imported)},
    )


def _copy(manifest: Manifest, source: Repository, destination: Repository) -> None:
    mount_from = source.name if source.registry == destination.registry else ""
    for blob in (*manifest.entries, manifest.config):
        if not blob.foreign and not destination.has_blob(blob.digest):
            opened = partial(source.open_blob, blob.digest, blob.size)
            destination.put_blob(blob.digest, blob.size, opened, mount_from=mount_from)


IMPORT_IMAGE = ReusableComponent(
    name="import-image",
    category="building",
    description="Copies an image into another repository, byte for byte, so that its digest stays the same.",
    details=(
        "All platforms of the image are copied. Use it to keep base images in your own registry, or to move an image "
        "to where a cluster pulls from. Blobs that the target has are not sent again, and blobs of the same registry "
        f"are mounted. {CACHING} {CREDENTIALS}"
    ),
    inputs=(
        Input("image", "str", "Image to copy, by tag or digest."),
        Input("repository", "str", "Repository to copy it to, such as `registry.example.com/team/base`."),
        Input("tag", "str", "Tag in the repository; by default the image's, or one made of its digest.", default=""),
        INSECURE,
        CA,
    ),
    outputs=(Output("imported", "str", "Reference of the copy by digest."),),
    run=run,
    example=f'''\
import_image = load("building/import_image")


@dsl.pipeline(name="import-image-example")
def example(image: str = "python:3.12-slim", repository: str = "registry.example.com/team/base"):
    """Copies a base image."""
    copied = import_image(image=image, repository=repository)
{MOUNT_LOGIN.format(task="copied")}''',
    needs=(SERVICE,),
    tags=("building", "container", "oci"),
)
